"""R1, by a discriminator whose gradient is known."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.losses.gradient_penalty import r1_penalty
from tests.arrays import normal


def test_the_penalty_is_half_the_squared_gradient_norm_of_an_image_and_the_logits_come_with_it():
    images = normal(3, 4, 4, 2)
    penalty, logits = r1_penalty(lambda x: jnp.square(x).sum((1, 2, 3)), images)
    squares = np.square(images).sum((1, 2, 3))
    np.testing.assert_allclose(logits, squares, rtol=1e-5)
    np.testing.assert_allclose(penalty, 2 * squares.mean(), rtol=1e-5)


def test_the_discriminator_learns_by_it():
    images = normal(2, 4, 4, 2)
    gradient = jax.grad(lambda w: r1_penalty(lambda x: w * x.sum((1, 2, 3)), images)[0])(3.0)
    np.testing.assert_allclose(gradient, 3.0 * 32, rtol=1e-5)

"""The penalty of WGAN-GP by its definition."""

import jax
import numpy as np

from jaxsyn.losses.gradient_penalty import wasserstein_penalty
from tests.arrays import normal

REAL, FAKE = normal(3, 4, 4, 2), normal(3, 4, 4, 2, seed=1)
ALPHA = np.asarray([0.0, 0.25, 1.0], np.float32)


def patches(scale, images):
    """A discriminator of four patches whose gradient at an image is scale * image in all."""
    return scale * (images**2).sum((1, 2, 3))[:, None] * np.full(4, 1 / 8, np.float32)


def test_gradients_are_those_of_an_images_patches_together_at_its_own_point_between_real_and_fake():
    points = ALPHA[:, None, None, None] * REAL + (1 - ALPHA[:, None, None, None]) * FAKE
    norms = np.sqrt((points**2).sum((1, 2, 3)))
    penalty = wasserstein_penalty(lambda x: patches(1.0, x), REAL, FAKE, ALPHA)
    np.testing.assert_allclose(penalty, ((norms - 1) ** 2).mean(), rtol=1e-5)


def test_it_pulls_the_discriminator_towards_a_slope_of_one():
    def penalty(scale):
        return wasserstein_penalty(lambda x: patches(scale, x), REAL, FAKE, ALPHA)

    assert jax.grad(penalty)(1e-3) < 0
    assert jax.grad(penalty)(10.0) > 0


def test_a_discriminator_without_any_slope_has_a_finite_gradient():
    value, gradient = jax.value_and_grad(
        lambda scale: wasserstein_penalty(lambda x: patches(scale, x), REAL, FAKE, ALPHA)
    )(0.0)
    np.testing.assert_allclose(value, 1.0)
    assert np.isfinite(gradient)

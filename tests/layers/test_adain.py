"""Adaptive instance normalisation."""

import jax.numpy as jnp
import numpy as np

from jaxsyn.layers import adain
from tests.arrays import normal


def test_every_sample_and_channel_takes_the_deviation_and_mean_that_it_is_given():
    gain, bias = normal(2, 3), normal(2, 3, seed=1)
    y = adain(5 + 2 * normal(2, 8, 6, 3, seed=2), gain, bias)
    np.testing.assert_allclose(y.mean((1, 2)), bias, atol=1e-5)
    np.testing.assert_allclose(y.std((1, 2)), np.abs(gain), rtol=1e-4)


def test_statistics_of_half_precision_are_float32_and_its_dtype_stays():
    x = (1000 + normal(1, 8, 8, 2)).astype(jnp.bfloat16)
    y = adain(x, jnp.ones((1, 2)), jnp.zeros((1, 2)))
    assert y.dtype == jnp.bfloat16
    np.testing.assert_allclose(y.astype(jnp.float32).std((1, 2)), 1, rtol=1e-2)

"""MUNIT's layer normalisation."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.layers import LayerNorm
from tests.arrays import normal

AFFINE = {"params": {"gamma": jnp.asarray([2.0, 0.5]), "beta": jnp.asarray([1.0, -1.0])}}


def test_a_sample_is_normalised_by_its_unbiased_deviation_with_epsilon_outside_of_the_root():
    x = normal(2, 2, 2, 2)
    y = LayerNorm(epsilon=0.5).apply(AFFINE, x)
    for sample, ours in zip(x, y, strict=True):
        expected = (sample - sample.mean()) / (sample.std(ddof=1) + 0.5)
        np.testing.assert_allclose(ours, expected * [2.0, 0.5] + [1.0, -1.0], rtol=1e-5)


def test_gains_begin_between_zero_and_one_and_biases_at_zero():
    params = LayerNorm().init(jax.random.key(0), jnp.zeros((1, 2, 2, 500)))["params"]
    assert 0 <= params["gamma"].min() < 0.05 < 0.95 < params["gamma"].max() < 1
    assert not params["beta"].any()

"""Layer normalisation with torch's statistics."""

import jax
import numpy as np

from jaxsyn.layers import SampleNorm

X = np.random.default_rng(0).normal(3, 2, (2, 4, 5, 3)).astype(np.float32)


def test_each_sample_has_mean_zero_and_deviation_one_over_height_width_and_channels():
    y, _ = SampleNorm().init_with_output(jax.random.key(0), X)
    np.testing.assert_allclose(np.mean(y, (1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(np.std(y, (1, 2, 3)), 1, rtol=1e-4)
    assert np.abs(np.mean(y, (1, 2))).max() > 1e-2


def test_gain_and_bias_are_of_channels_in_the_shape_of_the_checkpoints():
    variables = {"params": {"scale": np.full((3, 1, 1), 2.0), "bias": np.arange(3.0).reshape(3, 1, 1)}}
    plain, _ = SampleNorm().init_with_output(jax.random.key(0), X)
    np.testing.assert_allclose(SampleNorm().apply(variables, X), 2 * plain + np.arange(3.0), rtol=1e-5)

"""Spatially-adaptive normalisation by its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from jaxsyn.layers import SPADE, BatchNorm, Conv, InstanceNorm, LabelMap
from tests.arrays import integers, normal

CLASSES, CHANNELS = 4, 3


@pytest.fixture
def x():
    return normal(2, 8, 8, CHANNELS, seed=0)


@pytest.fixture
def label():
    return LabelMap(integers(0, CLASSES, 2, 16, 16, seed=1), None, CLASSES)


@pytest.mark.parametrize(
    ("kind", "norm", "kernel_size"),
    [("batch", BatchNorm(), 3), ("syncbatch", BatchNorm(), 1), ("instance", InstanceNorm(), 5)],
)
def test_it_is_the_normalised_input_times_one_plus_gamma_plus_beta(kind, norm, kernel_size, x, label):
    # A wide kernel has smaller weights, so that float32 knows sums over it to 1e-5 on every machine.
    share = 0.1 if kernel_size < 5 else 0.036
    layer = SPADE(kind, kernel_size, hidden=6, kernel_init=nn.initializers.normal(3 * share))
    variables = jax.jit(layer.init)(jax.random.key(2), x, label)
    params = jax.tree.map(lambda leaf: leaf + share, variables["params"])  # biases that are not zero

    @jax.jit
    def expected(params):
        def conv(features, name, y):
            return Conv(features, kernel_size).apply({"params": params[name]}, y)

        hidden = nn.relu(conv(6, "mlp_shared", label.resize(8, 8).dense()))
        gamma, beta = (conv(CHANNELS, name, hidden) for name in ("mlp_gamma", "mlp_beta"))
        normalized, _ = norm.init_with_output(jax.random.key(0), x)
        return normalized * (1 + gamma) + beta

    ours, _ = jax.jit(lambda p: layer.apply({**variables, "params": p}, x, label, mutable=["batch_stats"]))(params)
    np.testing.assert_allclose(ours, expected(params), atol=1e-5)


def test_a_region_of_one_class_is_modulated_alike_and_another_class_otherwise(x):
    ids = jnp.zeros((2, 8, 8), jnp.int32).at[:, :, 4:].set(1)
    layer = SPADE("instance", hidden=6, kernel_init=nn.initializers.normal(1.0))
    label = LabelMap(ids, None, CLASSES)
    beta, _ = jax.jit(layer.init_with_output)(jax.random.key(2), np.zeros_like(x), label)
    inner = np.asarray(beta)[:, 2:-2]
    np.testing.assert_allclose(inner[:, :, 2], np.broadcast_to(inner[0, 0, 2], inner[:, :, 2].shape), atol=1e-5)
    assert np.abs(inner[0, 0, 2] - inner[0, 0, 5]).max() > 1e-2

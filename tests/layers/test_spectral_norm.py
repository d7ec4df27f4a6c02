"""Spectral normalisation by the power iteration whose vectors are state."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import Conv, ConvTranspose, Dense
from tests.arrays import normal

LAYERS = {
    "conv": Conv(6, spectral=True),
    "dense": Dense(6, spectral=True),
    "transposed": ConvTranspose(6, spectral=True),
}


def inputs(layer):
    return normal(2, 4) if isinstance(layer, Dense) else normal(2, 5, 5, 4)


@pytest.fixture
def conv():
    layer = LAYERS["conv"]
    x = inputs(layer)
    return layer, jax.jit(layer.init)(jax.random.key(0), x), x


def matrix_of(params):
    kernel = np.asarray(next(leaf for name, leaf in params.items() if name.endswith("kernel")), np.float64)
    return kernel.reshape(-1, kernel.shape[-1])


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
def test_sigma_becomes_the_largest_singular_value(layer):
    x = inputs(layer)
    variables = dict(jax.jit(layer.init)(jax.random.key(0), x))
    train = jax.jit(lambda variables: layer.apply(variables, x, mutable=["spectral"])[1])
    for _ in range(200):
        variables |= train(variables)
    plain = layer.clone(spectral=False)
    largest = np.linalg.svd(matrix_of(variables["params"]), compute_uv=False)[0]
    np.testing.assert_allclose(layer.apply(variables, x) * largest, plain.apply(variables, x), rtol=1e-3, atol=1e-5)


def test_a_training_call_makes_one_power_iteration_v_then_u(conv):
    layer, variables, x = conv
    _, updated = layer.apply(variables, x, mutable=["spectral"])
    matrix = matrix_of(variables["params"])
    v = unit(matrix @ np.asarray(variables["spectral"]["u"]))
    np.testing.assert_allclose(updated["spectral"]["v"], v, atol=1e-6)
    np.testing.assert_allclose(updated["spectral"]["u"], unit(v @ matrix), atol=1e-6)


def test_an_evaluating_call_takes_the_vectors_as_they_are(conv):
    layer, variables, x = conv
    vectors = variables["spectral"]
    sigma = np.asarray(vectors["v"]) @ matrix_of(variables["params"]) @ np.asarray(vectors["u"])
    expected = layer.clone(spectral=False).apply(variables, x) / sigma
    np.testing.assert_allclose(layer.apply(variables, x), expected, rtol=1e-4, atol=1e-5)


def test_initialising_makes_unit_vectors_and_no_iteration(conv):
    _, variables, _ = conv
    u, v = (np.asarray(variables["spectral"][name]) for name in ("u", "v"))
    assert u.shape == (6,)
    assert v.shape == (3 * 3 * 4,)
    np.testing.assert_allclose([np.linalg.norm(u), np.linalg.norm(v)], 1, rtol=1e-6)
    assert np.abs(v - unit(matrix_of(variables["params"]) @ u)).max() > 0.01


def test_the_gradient_passes_through_sigma_and_not_through_the_vectors(conv):
    layer, variables, x = conv
    direction = normal(2, 5, 5, 6, seed=2)

    def loss(params):
        return (layer.apply({**variables, "params": params}, x, mutable=["spectral"])[0] * direction).sum()

    _, updated = layer.apply(variables, x, mutable=["spectral"])
    u, v = updated["spectral"]["u"], updated["spectral"]["v"]

    def with_fixed_vectors(params):
        kernel = params["kernel"]
        kernel = kernel / (v @ kernel.reshape(-1, 6) @ u)
        return (layer.clone(spectral=False).apply({"params": {**params, "kernel": kernel}}, x) * direction).sum()

    ours, expected = (jax.grad(f)(variables["params"]) for f in (loss, with_fixed_vectors))
    largest = np.abs(expected["kernel"]).max()
    np.testing.assert_allclose(ours["kernel"] / largest, expected["kernel"] / largest, atol=1e-4)


def test_scaling_the_kernel_changes_nothing(conv):
    layer, variables, x = conv
    scaled = {**variables, "params": {**variables["params"], "kernel": 7 * variables["params"]["kernel"]}}
    np.testing.assert_allclose(layer.apply(scaled, x), layer.apply(variables, x), rtol=1e-4, atol=1e-5)


def test_kernel_and_vectors_stay_float32_where_the_layer_computes_in_bfloat16(conv):
    _, variables, x = conv
    y, updated = LAYERS["conv"].clone(dtype=jnp.bfloat16).apply(variables, x, mutable=["spectral"])
    assert y.dtype == jnp.bfloat16
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(updated))

"""The convolution under all layers: its gradients are those of XLA's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxsyn.layers import correlation, folded_rows, wide_kernels
from jaxsyn.layers.correlation import DIMENSIONS, Geometry, correlate
from tests.arrays import normal

GEOMETRIES = {
    "same": (3, Geometry(low=1, high=1)),
    "pointwise": (1, Geometry()),
    "uneven": (4, Geometry(low=1, high=2)),
    "strided": (3, Geometry(stride=2, low=1, high=1)),
    "strided past the border": (4, Geometry(stride=2, low=2, high=2)),
    "rows left over": (3, Geometry(stride=3)),
    "dilated": (3, Geometry(low=2, high=2, dilation=2)),
    "transposed": (3, Geometry(low=1, high=2, input_dilation=2)),
    "transposed, even": (4, Geometry(low=2, high=2, input_dilation=2)),
    "transposed, cut": (2, Geometry(low=0, high=0, input_dilation=2)),
    "both": (3, Geometry(stride=2, low=2, high=1, input_dilation=3)),
}


def reference(x, kernel, geometry):
    return lax.conv_general_dilated(
        x,
        kernel,
        (geometry.stride,) * 2,
        ((geometry.low, geometry.high),) * 2,
        (geometry.input_dilation,) * 2,
        (geometry.dilation,) * 2,
        DIMENSIONS,
    )


FORMS = {
    "one block": (2**19, 0, 0),
    "many blocks": (200, 0, 0),
    "by rows": (2**19, 8, 0),
    "as it is": (2**19, 8, 2**20),
}


@pytest.fixture(params=FORMS.values(), ids=FORMS)
def block(request, monkeypatch):
    monkeypatch.setattr(correlation, "BLOCK", request.param[0])
    monkeypatch.setattr(correlation, "LEAST_BLOCKS", request.param[1])
    monkeypatch.setattr(folded_rows, "LEAST", request.param[2])


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.usefixtures("block")
def test_values_and_gradients_are_those_of_the_plain_convolution(name):
    size, geometry = GEOMETRIES[name]
    x, kernel = normal(2, 8, 6, 3), normal(size, size, 3, 5, seed=1)
    y, gradients = jax.vjp(lambda *a: correlate(*a, geometry), x, kernel)
    expected, expected_gradients = jax.vjp(lambda *a: reference(*a, geometry), x, kernel)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(gradients(y), expected_gradients(y), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_kernel_larger_than_the_image_has_the_same_gradients(name):
    size, geometry = GEOMETRIES[name]
    x, kernel = normal(1, 5, 4, 3), normal(size, size, 3, 64, seed=1)
    y, gradients = jax.vjp(lambda *a: correlate(*a, geometry), x, kernel)
    assert wide_kernels.pays(kernel.shape, y[..., 0].size) or name in ("transposed", "transposed, even")
    _, expected = jax.vjp(lambda *a: reference(*a, geometry), x, kernel)
    for ours, theirs in zip(gradients(y), expected(y), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["same", "strided", "transposed"])
def test_a_penalty_on_gradients_has_the_gradients_of_the_plain_convolution(name):
    size, geometry = GEOMETRIES[name]
    x, kernel = normal(2, 8, 6, 3), normal(size, size, 3, 5, seed=1)

    def penalty(convolve):
        def of_input(x, kernel):
            return jnp.sum(jnp.tanh(convolve(x, kernel, geometry)) ** 2)

        return lambda x, kernel: jnp.sum(jax.grad(of_input)(x, kernel) ** 2)

    ours = jax.grad(penalty(correlate), (0, 1))(x, kernel)
    theirs = jax.grad(penalty(reference), (0, 1))(x, kernel)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_half_precision_sums_in_single():
    x, kernel = jnp.ones((1, 64, 64, 1), jnp.bfloat16), jnp.ones((1, 1, 1, 1), jnp.bfloat16)
    gradient = jax.grad(lambda k: correlate(x, k, Geometry()).astype(jnp.float32).sum())(kernel)
    assert gradient.dtype == jnp.bfloat16
    assert float(gradient.reshape(())) == 64 * 64


@pytest.mark.parametrize("name", sorted(GEOMETRIES.keys() - {"both"}))
def test_a_branch_holds_only_convolutions_that_a_cpu_has_fast_code_for(name):
    size, geometry = GEOMETRIES[name]
    x, kernel = normal(2, 24, 18, 3), normal(size, size, 3, 5, seed=1)
    gradients = jax.grad(lambda *a: jnp.square(correlate(*a, geometry)).sum(), (0, 1))
    branch = jax.jit(lambda due, *a: lax.cond(due, gradients, lambda *a: a, *a))
    program = branch.lower(jnp.array(True), x, kernel).compile().as_text()
    layouts = [line.split("dim_labels=")[1].split(",")[0] for line in program.splitlines() if " convolution(" in line]
    assert set(layouts) == {"b01f_01io->b01f"}

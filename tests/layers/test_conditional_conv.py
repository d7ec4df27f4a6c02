"""Convolution by predicted kernels, by its definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import conditional_convolve, convolve, taps_first
from tests.arrays import normal


def by_definition(x, kernels, size):
    """kernels [B, H, W, C, k * k]; one pixel after another."""
    border = size // 2
    padded = np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
    y = np.zeros_like(x)
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            patch = padded[:, row : row + size, column : column + size].reshape(len(x), size * size, -1)
            y[:, row, column] = (patch.swapaxes(1, 2) * kernels[:, row, column]).sum(-1)
    return y


@pytest.mark.parametrize("size", [1, 3, 5])
def test_every_pixel_and_channel_has_a_kernel_of_its_own(size):
    x, kernels = normal(2, 5, 6, 3), normal(2, 5, 6, 3, size * size, seed=1)
    ours = conditional_convolve(x, taps_first(kernels.reshape(2, 5, 6, -1), size * size))
    np.testing.assert_allclose(ours, by_definition(x, kernels, size), atol=1e-5)


def test_one_kernel_at_all_pixels_is_the_depthwise_convolution():
    x, kernel = normal(2, 5, 6, 3), normal(3, 3, 1, 3, seed=1)
    everywhere = jnp.broadcast_to(kernel.reshape(-1), (2, 5, 6, 27))
    np.testing.assert_allclose(conditional_convolve(x, everywhere), convolve(x, kernel, padding=1, groups=3), atol=1e-5)


def test_no_patches_are_made():
    x, kernels = jnp.zeros((1, 8, 8, 4)), jnp.zeros((1, 8, 8, 36))
    program = jax.make_jaxpr(conditional_convolve)(x, kernels)
    sizes = [variable.aval.size for equation in program.eqns for variable in equation.outvars]
    assert max(sizes) < 2 * x.size


def test_products_are_summed_in_float32():
    x = jnp.ones((1, 3, 3, 1), jnp.bfloat16)
    kernels = jnp.asarray([256.0, 1, 1, 1, 1, 1, 1, 1, 1], jnp.bfloat16)
    y = conditional_convolve(x, jnp.broadcast_to(kernels, (1, 3, 3, 9)))
    assert y.dtype == jnp.bfloat16
    assert y[0, 1, 1, 0] == 264  # in bfloat16, 256 + 1 is 256

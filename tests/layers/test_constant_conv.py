"""Convolution of one vector at every pixel, against the convolution of the map."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import convolve, convolve_constant
from jaxsyn.layers.convolution import pad_borders
from tests.arrays import normal

VECTOR = normal(2, 3)


def convolve_map(kernel, height, width, *, stride=1, padding=0, padding_mode="zeros"):
    whole = jnp.broadcast_to(VECTOR[:, None, None], (2, height, width, 3))
    return convolve(pad_borders(whole, padding, padding_mode), kernel, stride=stride)


@pytest.mark.parametrize(
    ("size", "kernel_size", "options"),
    [
        ((8, 9), 3, {"padding": 1}),
        ((1, 2), 3, {"padding": 1}),
        ((2, 2), 5, {"padding": 2}),
        ((7, 9), 5, {"padding": 2, "stride": 2}),
        ((6, 8), 4, {"padding": 2, "stride": 2}),
        ((8, 5), 3, {}),
        ((5, 3), 1, {}),
        ((6, 7), 3, {"padding": 1, "padding_mode": "reflect"}),
    ],
)
def test_it_is_the_convolution_of_the_map_at_every_border(size, kernel_size, options):
    kernel = normal(kernel_size, kernel_size, 3, 4, seed=1)
    ours = convolve_constant(VECTOR, kernel, *size, **options)
    expected = convolve_map(kernel, *size, **options)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_it_convolves_no_more_than_the_kernel_sees():
    kernel = normal(3, 3, 3, 4, seed=1)
    program = jax.jit(lambda v: convolve_constant(v, kernel, 256, 512, padding=1)).lower(VECTOR).as_text()
    assert re.findall(r"stablehlo.convolution.*-> tensor<(\w+)xf32>", program) == ["2x3x3x4"]

"""The fixed filter before ASAP-Net's strided convolutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap, tent_downsample, tent_downsample_label
from tests.arrays import integers, normal


def test_a_value_is_the_mean_under_a_tent_of_two_strides():
    x = normal(1, 4, 8, 2)
    tent = np.array([1, 3, 3, 1]) / 8
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    expected = np.einsum("ijc,i,j->c", padded[0, 2:6, 4:8], tent, tent)
    y = jax.jit(tent_downsample, static_argnums=1)(x, 2)
    assert y.shape == (1, 2, 4, 2)
    np.testing.assert_allclose(y[0, 1, 2], expected, atol=1e-6)


@pytest.mark.parametrize("stride", [2, 4])
def test_a_label_map_becomes_the_soft_map_of_its_classes(stride):
    label = LabelMap(integers(-1, 3, 2, 8, 16), normal(2, 8, 16, 1), 3)

    @jax.jit
    def both(label):
        return tent_downsample_label(label, stride).dense(), tent_downsample(label.dense(), stride)

    np.testing.assert_allclose(*both(label), atol=1e-6)


def test_an_odd_stride_is_an_error():
    with pytest.raises(UserError, match="stride 3: it must be even"):
        tent_downsample(jnp.zeros((1, 9, 9, 1)), 3)

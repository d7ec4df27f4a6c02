"""Convolution within instances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import InstanceConv, convolve, instance_convolve
from tests.arrays import integers, normal

X, KERNEL = normal(1, 8, 12, 3), normal(3, 3, 3, 5, seed=1)


@pytest.mark.parametrize("stride", [1, 2])
def test_with_one_instance_it_is_the_usual_convolution(stride):
    one = jnp.full((1, 8, 12), 7)
    expected = convolve(X, KERNEL, stride=stride, padding=1)
    np.testing.assert_allclose(instance_convolve(X, one, KERNEL, stride=stride), expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_each_instance_is_convolved_as_if_the_others_were_zero(stride):
    instance = np.kron(integers(0, 3, 2, 3, seed=2), np.ones((4, 4), np.int32))[None]
    y = np.asarray(instance_convolve(X, instance, KERNEL, stride=stride))
    centres = instance[:, ::stride, ::stride]
    for number in np.unique(instance):
        alone = convolve(np.where((instance == number)[..., None], X, 0), KERNEL, stride=stride, padding=1)
        np.testing.assert_allclose(y[centres == number], np.asarray(alone)[centres == number], atol=1e-5)


def test_the_instance_map_is_resized_by_nearest_neighbour():
    large = np.kron(integers(0, 3, 4, 6, seed=3), np.ones((4, 4), np.int32))[None]
    np.testing.assert_allclose(
        instance_convolve(X, large, KERNEL), instance_convolve(X, large[:, ::2, ::2], KERNEL), atol=1e-6
    )


def test_an_instance_does_not_see_changes_of_another():
    instance = (jnp.arange(12) >= 6).astype(jnp.int32) * jnp.ones((1, 8, 1), jnp.int32)
    layer = InstanceConv(4)
    variables = layer.init(jax.random.key(0), X, instance)
    changed = X + np.where(np.asarray(instance)[..., None] == 1, 5.0, 0.0).astype(np.float32)
    difference = np.abs(layer.apply(variables, X, instance) - layer.apply(variables, changed, instance)).max((0, 1, 3))
    assert not difference[:6].any()
    assert (difference[6:] > 0).all()

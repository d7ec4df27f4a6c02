"""The global generator and the local enhancers around it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap
from jaxsyn.networks.global_generator import GlobalGenerator
from jaxsyn.networks.local_enhancer import LocalEnhancer
from tests.arrays import filled, integers

CLASSES = 3


def label_of(size):
    return LabelMap(integers(0, CLASSES, 1, size, size), None, CLASSES)


def enhancer(**options):
    return LocalEnhancer(width=4, num_downsamplings=1, num_blocks=1, num_local_blocks=1, **options)


def variables_of(network, label):
    return filled(jax.eval_shape(network.init, jax.random.key(0), label))


def test_two_enhancers_make_an_image_of_the_maps_size_in_range():
    network, label = enhancer(num_enhancers=2), label_of(16)
    image = jax.jit(network.apply)(variables_of(network, label), label)
    assert image.shape == (1, 16, 16, 3)
    assert np.abs(image).max() <= 1


def test_the_enhancer_keeps_the_global_generators_names_but_for_its_last_convolution():
    coarse = GlobalGenerator(width=4, num_downsamplings=1, num_blocks=1)
    of_coarse = jax.eval_shape(coarse.init, jax.random.key(0), label_of(8))["params"]
    of_enhancer = jax.eval_shape(enhancer().init, jax.random.key(0), label_of(16))["params"]
    assert set(of_enhancer) == {"features", "enhancer_1"}
    assert set(of_coarse) == {"features", "conv_out"}
    assert jax.tree.map(jnp.shape, of_enhancer["features"]) == jax.tree.map(jnp.shape, of_coarse["features"])


def test_fixed_parameters_get_no_gradient_and_change_nothing_else():
    label = label_of(8)
    variables = variables_of(enhancer(), label)

    def gradients(fixed):
        return jax.jit(jax.grad(lambda v: enhancer(fixed=fixed).apply(v, label).sum()))(variables)["params"]

    fixed, joint = gradients(True), gradients(False)
    assert all(not leaf.any() for leaf in jax.tree.leaves(fixed["features"]))
    assert joint["features"]["conv_in"]["kernel"].any()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), fixed["enhancer_1"], joint["enhancer_1"])


def test_a_size_that_cannot_be_halved_is_an_error():
    network = GlobalGenerator(width=2, num_downsamplings=2, num_blocks=1)
    with pytest.raises(UserError, match=r"10x10 cannot be halved 2 times: .* a multiple of 4"):
        jax.eval_shape(network.init, jax.random.key(0), label_of(10))

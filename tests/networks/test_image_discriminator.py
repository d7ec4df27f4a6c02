"""MUNIT's discriminator; its numbers are held by tests/parity."""

import jax
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import expected_shapes
from jaxsyn.networks.image_discriminator import MultiscaleImageDiscriminator, image_discriminator_names
from tests.arrays import normal


def test_every_scale_sees_half_the_size_of_the_one_before():
    network = MultiscaleImageDiscriminator(num_scales=2, width=2, num_layers=2)
    scales = jax.eval_shape(lambda x: network.init_with_output(jax.random.key(0), x)[0], normal(1, 16, 24, 3))
    assert [layers[-1].shape for layers in scales] == [(1, 4, 6, 1), (1, 2, 3, 1)]


def test_an_image_too_small_for_its_layers_is_an_error():
    network = MultiscaleImageDiscriminator(num_scales=3, width=2, num_layers=4)
    jax.eval_shape(network.init, jax.random.key(0), normal(1, 61, 61, 3))
    with pytest.raises(UserError, match=r"4 layers cannot halve an image of 15x15 so often: set larger data\.height"):
        jax.eval_shape(network.init, jax.random.key(0), normal(1, 60, 60, 3))


def test_spectral_norm_has_the_names_of_the_authors_wrapper_in_all_layers_but_the_first():
    network = MultiscaleImageDiscriminator(num_scales=1, width=2, num_layers=2, norm="spectral")
    template = jax.eval_shape(network.init, jax.random.key(0), normal(1, 8, 8, 3))
    names = set(expected_shapes(template, image_discriminator_names(2, "spectral")))
    assert names == {
        "cnns.0.0.conv.weight",
        "cnns.0.0.conv.bias",
        "cnns.0.1.conv.module.weight_bar",
        "cnns.0.1.conv.module.weight_u",
        "cnns.0.1.conv.module.weight_v",
        "cnns.0.1.conv.module.bias",
        "cnns.0.2.weight",
        "cnns.0.2.bias",
    }
    assert np.prod(template["spectral"]["scale_0"]["conv_1"]["conv"]["v"].shape) == 2 * 4 * 4

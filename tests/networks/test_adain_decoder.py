"""Encoders and decoder of AdaIN auto-encoders; their numbers are held by tests/parity."""

import jax
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.networks.adain_decoder import AdainDecoder, adain_size, split_parameters
from jaxsyn.networks.content_encoder import ContentEncoder
from jaxsyn.networks.conv_block import ConvBlock
from jaxsyn.networks.style_encoder import StyleEncoder
from tests.arrays import filled, normal


def test_parameters_are_cut_layer_by_layer_biases_before_gains():
    (gain, bias), (next_gain, next_bias) = split_parameters(np.arange(8.0)[None], channels=2)
    np.testing.assert_array_equal((bias[0], gain[0]), [[0, 1], [2, 3]])
    np.testing.assert_array_equal((next_bias[0], next_gain[0]), [[4, 5], [6, 7]])


def test_the_content_code_of_an_image_is_that_of_the_image_in_other_colours():
    network, image = ContentEncoder(width=2, num_downsamplings=1, num_blocks=1), normal(1, 8, 8, 3)
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), image), scale=1.0)
    np.testing.assert_allclose(
        network.apply(variables, image), network.apply(variables, 3 * image), rtol=1e-2, atol=1e-2
    )


def test_the_style_code_is_the_same_number_of_numbers_for_images_of_any_size():
    network = StyleEncoder(style_dim=5, width=2)
    for size in (32, 48):
        found = jax.eval_shape(lambda x: network.init_with_output(jax.random.key(0), x)[0], normal(2, size, size, 3))
        assert found.shape == (2, 5)


def test_the_decoder_takes_as_many_parameters_as_it_has_norms():
    network, content = AdainDecoder(num_upsamplings=1, num_blocks=1), normal(2, 4, 4, 6)
    shape = jax.eval_shape(network.init, jax.random.key(0), content, normal(2, adain_size(6, 1)))
    assert adain_size(6, 1) == 2 * 2 * 6
    image = jax.eval_shape(network.apply, shape, content, normal(2, 24))
    assert image.shape == (2, 8, 8, 3)


def test_a_size_that_cannot_be_halved_is_an_error():
    with pytest.raises(UserError, match="images of 10x12: this encoder needs multiples of 4"):
        jax.eval_shape(ContentEncoder(2).init, jax.random.key(0), normal(1, 10, 12, 3))


@pytest.mark.parametrize("options", [{"norm": "group"}, {"padding": "wrap"}])
def test_an_unknown_norm_or_padding_is_an_error(options):
    with pytest.raises(UserError, match=f"knows no {next(iter(options.values()))!r}; choose one of"):
        jax.eval_shape(ConvBlock(2, **options).init, jax.random.key(0), normal(1, 4, 4, 3))

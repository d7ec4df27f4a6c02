"""DRIT's encoders, generators and discriminators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.networks.drit_content_encoder import DritContentEncoder
from jaxsyn.networks.drit_discriminators import ContentDiscriminator, DritDiscriminator
from jaxsyn.networks.drit_domain_discriminator import DritDomainDiscriminator
from jaxsyn.networks.drit_generator import DritGenerator

KEY, BRANCHES = jax.random.key(0), ("a", "b")


def image(size, batch=2):
    return jnp.ones((batch, size, size, 3))


def shapes(network, *inputs):
    return jax.eval_shape(lambda *arrays: network.init_with_output(KEY, *arrays)[0], *inputs)


def test_domains_share_the_last_block_of_the_content_encoder_alone():
    variables = jax.eval_shape(lambda x: DritContentEncoder(BRANCHES, width=2).init(KEY, x, "a"), image(16))
    assert set(variables["params"]) == {"branch_a", "branch_b", "shared"}


@pytest.mark.parametrize("num_ups", [1, 2])
@pytest.mark.parametrize("concat", [True, False])
def test_generators_double_the_size_of_content_codes_with_every_up_sampling(concat, num_ups):
    network = DritGenerator(BRANCHES, concat, num_ups=num_ups)
    (made,) = jax.eval_shape(
        lambda x, z: network.init_with_output(KEY, x, z, "b")[0], jnp.ones((2, 8, 6, 8)), jnp.ones((2, 3))
    )
    assert made.shape == (2, 8 * 2**num_ups, 6 * 2**num_ups, 3)


def test_two_scales_make_an_image_of_half_the_size_too():
    network = DritGenerator(("a",), two_scale=True)
    made = jax.eval_shape(
        lambda x, z: network.init_with_output(KEY, x, z, "a")[0], jnp.ones((2, 8, 8, 8)), jnp.ones((2, 3))
    )
    assert [x.shape for x in made] == [(2, 32, 32, 3), (2, 16, 16, 3)]


def test_two_scales_need_concatenation():
    network = DritGenerator(("a",), concat=False, two_scale=True)
    with pytest.raises(UserError, match=r"model\.two_scale=True goes with model\.concat=True"):
        network.init(KEY, jnp.ones((1, 8, 8, 8)), jnp.ones((1, 3)), "a")


def test_coarser_scales_of_a_discriminator_see_given_images_or_pooled_ones():
    network = DritDiscriminator(num_scales=2, width=1)
    scales, variables = network.init_with_output(KEY, image(32))
    given = network.apply(variables, image(32), 0 * image(16))
    np.testing.assert_array_equal(scales[0][-1], given[0][-1])
    assert not np.array_equal(scales[1][-1], given[1][-1])


def test_one_scale_is_a_network_of_six_layers():
    ((*hidden, logits),) = shapes(DritDiscriminator(num_scales=1, width=2), image(64))
    assert [x.shape[-1] for x in hidden] == [2, 4, 8, 16, 32, 64]
    assert logits.shape == (2, 1, 1, 1)


def test_content_codes_of_216_pixels_have_one_logit_and_smaller_ones_are_an_error():
    assert shapes(ContentDiscriminator(), jnp.ones((2, 54, 54, 2)))[-1].shape == (2, 1, 1, 1)
    assert shapes(ContentDiscriminator(4, num_layers=2, kernel_size=4), jnp.ones((2, 16, 16, 2)))[-1].shape[-1] == 4
    with pytest.raises(UserError, match=r"set larger data\.height"):
        shapes(ContentDiscriminator(), jnp.ones((2, 32, 32, 2)))


def test_the_border_of_the_domain_discriminators_patches_is_zero():
    judgement, _ = DritDomainDiscriminator(3, 64, width=1).init_with_output(KEY, image(64, batch=1))
    assert judgement.patches.shape == (1, 3, 3, 1)
    assert float(jnp.abs(judgement.patches[0, 1, 1, 0])) > 0
    assert float(jnp.abs(judgement.patches).sum()) == float(jnp.abs(judgement.patches[0, 1, 1, 0]))
    assert judgement.domains.shape == (1, 3)


def test_a_domain_discriminator_says_which_images_are_too_small_for_it():
    with pytest.raises(UserError, match="64x64 with a discriminator for 216"):
        shapes(DritDomainDiscriminator(3, 216, width=1), image(64))

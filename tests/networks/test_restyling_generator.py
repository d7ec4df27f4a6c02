"""StarGAN v2's generator: its sizes, its styles, and where its high-pass skip acts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.networks.restyling_generator import RestylingGenerator
from tests.arrays import filled, normal

STYLE = normal(1, 4)


def made(image, **options):
    network = RestylingGenerator(width=2, max_width=4, **options)
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), image, STYLE))
    return network, variables


def test_pictures_of_any_multiple_are_restyled_and_others_are_an_error():
    wide = normal(1, 8, 16, 3)
    network, variables = made(wide, num_downsamplings=2)
    restyle = jax.jit(network.apply)
    image = restyle(variables, wide, STYLE)
    assert image.shape == wide.shape
    assert np.abs(image - restyle(variables, wide, -STYLE)).max() > 1e-3
    with pytest.raises(UserError, match="images of 8x10: this generator needs multiples of 4"):
        network.apply(variables, normal(1, 8, 10, 3), STYLE)
    with pytest.raises(UserError, match="with masks this generator takes square images"):
        network.apply(variables, wide, STYLE, jnp.ones((1, 4, 4, 2)))


def test_the_high_pass_skip_acts_by_the_first_mask_on_features_of_32_pixels():
    image = normal(1, 32, 32, 3)
    network, variables = made(image, num_downsamplings=1, high_pass=1.0)
    # Operation by operation: compiled whole, two programs would round differently.
    restyle = network.apply
    without = restyle(variables, image, STYLE)

    def change(masks):
        return np.abs(restyle(variables, image, STYLE, masks) - without)

    assert not change(jnp.zeros((1, 64, 64, 2)).at[..., 1].set(1)).any()
    assert change(jnp.zeros((1, 64, 64, 2)).at[..., 0].set(1)).max() > 1e-3


def test_the_form_with_a_skip_keeps_the_weights_of_its_absent_shortcuts():
    image = normal(1, 32, 32, 3)
    _, variables = made(image, num_downsamplings=1, high_pass=1.0)
    assert variables["params"]["decode_2"]["shortcut"]["kernel"].shape == (1, 1, 4, 2)

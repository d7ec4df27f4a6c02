"""BicycleGAN's U-Net."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.networks.latent_unet import LatentUnet
from tests.arrays import filled, normal

IMAGE, LATENT = normal(2, 32, 64, 3), normal(2, 4, seed=1)


def network(**options):
    return LatentUnet(num_downs=5, width=1, **options)


def shapes_of(module, *inputs):
    return jax.eval_shape(module.init, jax.random.key(0), *inputs)


def inputs_of_downs(*inputs, **options):
    params = shapes_of(network(**options), *inputs)["params"]
    return [params[f"down_{level}"]["conv"]["kernel"].shape[2] for level in range(5)]


def test_the_code_enters_all_levels_or_the_first():
    assert inputs_of_downs(IMAGE) == [3, 1, 2, 4, 8]
    assert inputs_of_downs(IMAGE, LATENT) == [3 + 4, 1 + 4, 2 + 4, 4 + 4, 8 + 4]
    assert inputs_of_downs(IMAGE, LATENT, latent_levels="first") == [3 + 4, 1, 2, 4, 8]


@pytest.mark.parametrize("upsampling", ["transposed", "bilinear"])
def test_image_and_code_become_an_image_in_the_range_that_depends_on_both(upsampling):
    module = network(upsampling=upsampling)
    variables = filled(shapes_of(module, IMAGE, LATENT))
    run = jax.jit(module.apply)
    made = run(variables, IMAGE, LATENT)
    assert made.shape == IMAGE.shape
    assert np.abs(made).max() <= 1
    assert np.abs(made - run(variables, IMAGE, LATENT[::-1])).max() > 1e-3
    assert np.abs(made - run(variables, IMAGE[::-1], LATENT)).max() > 1e-3


def test_every_convolution_has_a_bias_beside_batch_norm_too():
    params = shapes_of(network(norm="batch"), IMAGE, LATENT)["params"]
    assert all("bias" in layer["conv"] for layer in params.values())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"activation": "gelu"}, "activation = 'gelu' is not known; choose one of relu, leaky_relu, elu"),
        ({"latent_levels": "middle"}, "latent_levels = 'middle' is not known; choose one of all, first"),
        ({"upsampling": "nearest"}, "upsampling = 'nearest' is not known; choose one of transposed, bilinear"),
    ],
)
def test_an_unknown_option_is_an_error(option, message):
    with pytest.raises(UserError, match=message):
        shapes_of(network(**option), IMAGE, LATENT)


def test_a_size_that_cannot_be_halved_so_often_is_an_error():
    with pytest.raises(UserError, match=r"images of 48x48: .* needs multiples of 32"):
        shapes_of(network(), jnp.zeros((1, 48, 48, 3)))

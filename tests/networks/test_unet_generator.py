"""pix2pix's U-Net."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.networks.unet_generator import UnetGenerator
from tests.arrays import filled, normal


def image(size, channels=3):
    return jax.ShapeDtypeStruct((2, size, size, channels), jnp.float32)


def shapes_of(network, size=64):
    return jax.eval_shape(network.init, jax.random.key(0), image(size))


def program(network, size=64):
    """What the network computes, with randomness for dropout."""

    def run(variables, x):
        return network.apply(variables, x, rngs={"dropout": jax.random.key(0)})

    return str(jax.make_jaxpr(run)(shapes_of(network, size), image(size)))


@pytest.mark.parametrize(("num_downs", "layers"), [(5, 0), (6, 1), (7, 2), (8, 3)])
def test_the_levels_between_the_outer_four_and_the_innermost_have_dropout(num_downs, layers):
    assert program(UnetGenerator(num_downs, width=1), 2**num_downs).count("name=_bernoulli") == layers
    assert program(UnetGenerator(num_downs, width=1, dropout=False), 2**num_downs).count("name=_bernoulli") == 0


def test_up_convolutions_read_their_skip_but_the_innermost():
    params = shapes_of(UnetGenerator(6, width=2))["params"]
    inputs = [params[f"up_{level}"]["conv"]["transposed_kernel"].shape[2] for level in range(6)]
    assert inputs == [4, 8, 16, 32, 32, 16]


def test_biases_follow_the_norm():
    with_batch, with_instance = (shapes_of(UnetGenerator(5, 2, norm))["params"] for norm in ("batch", "instance"))
    assert [name for name, layer in with_batch.items() if "bias" in layer["conv"]] == ["up_0"]
    assert all("bias" in layer["conv"] for layer in with_instance.values())


def test_any_channels_become_an_image_in_the_range():
    network = UnetGenerator(5, width=2, norm="instance", out_channels=4)
    x = normal(1, 32, 64, 2)
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), x))
    y = jax.jit(network.apply)(variables, x)
    assert y.shape == (1, 32, 64, 4)
    assert np.abs(y).max() <= 1


def test_rematerialisation_holds_every_level_and_changes_no_name():
    plain, remat = (UnetGenerator(5, width=1, remat=remat) for remat in (False, True))
    assert shapes_of(plain) == shapes_of(remat)
    assert program(plain).count("= remat") == 0
    assert program(remat).count("= remat") == 10


@pytest.mark.parametrize(
    ("num_downs", "size", "message"),
    [(4, 64, "num_downs = 4: a U-Net has at least 5"), (6, 96, "images of 96x96: .* needs multiples of 64")],
)
def test_what_cannot_be_halved_so_often_is_an_error(num_downs, size, message):
    with pytest.raises(UserError, match=message):
        shapes_of(UnetGenerator(num_downs, width=1), size)


def test_an_unknown_norm_is_an_error():
    with pytest.raises(UserError, match="norm 'layer' is not known; choose one of batch, instance, none"):
        shapes_of(UnetGenerator(5, width=1, norm="layer"))

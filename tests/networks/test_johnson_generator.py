"""The residual encoder-decoder of pix2pix and CycleGAN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import expected_shapes
from jaxsyn.networks.johnson_generator import JohnsonGenerator, johnson_names
from tests.arrays import filled, normal


def shapes_of(network, height=16, width=24):
    return jax.eval_shape(network.init, jax.random.key(0), jax.ShapeDtypeStruct((1, height, width, 3), jnp.float32))


def test_an_image_in_the_range_has_the_size_of_its_source():
    network, x = JohnsonGenerator(width=2, num_blocks=1), normal(2, 16, 24, 3)
    y = jax.jit(network.apply)(filled(shapes_of(network)), x)
    assert y.shape == x.shape
    assert y.dtype == jnp.float32
    assert np.abs(y).max() <= 1


def test_instance_norm_keeps_the_images_of_a_batch_apart():
    network, x = JohnsonGenerator(width=2, num_blocks=1), normal(2, 16, 16, 3)
    run = jax.jit(lambda x: network.apply(filled(shapes_of(network)), x))
    np.testing.assert_allclose(run(x)[:1], run(np.stack([x[0], x[0]]))[:1], atol=1e-5)


@pytest.mark.parametrize(("dropout", "second"), [(False, 5), (True, 6)])
def test_dropout_moves_the_names_behind_it(dropout, second):
    network = JohnsonGenerator(width=1, num_blocks=2, dropout=dropout)
    names = expected_shapes(shapes_of(network), johnson_names(2, dropout))
    assert f"model.11.conv_block.{second}.weight" in names
    assert {"model.1.weight", "model.7.weight", "model.12.weight", "model.15.weight", "model.19.weight"} <= set(names)
    assert len(names) == 2 * 10


def test_rematerialisation_holds_every_block_and_changes_no_name():
    plain, remat = (JohnsonGenerator(width=1, num_blocks=2, remat=remat) for remat in (False, True))
    assert shapes_of(plain) == shapes_of(remat)
    program = str(jax.make_jaxpr(remat.apply)(shapes_of(remat), jnp.zeros((1, 16, 24, 3))))
    assert program.count("= remat") == 2


def test_a_size_that_is_no_multiple_of_four_is_an_error():
    with pytest.raises(UserError, match="images of 16x18: this generator needs multiples of 4"):
        shapes_of(JohnsonGenerator(width=1), width=18)

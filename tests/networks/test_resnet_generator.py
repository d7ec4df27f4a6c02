"""pix2pixHD's global generator over a label map."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import LabelMap
from jaxsyn.networks.resnet_generator import ResnetGenerator, sequential_names
from tests.arrays import integers, normal

CLASSES = 3
LABEL = LabelMap(integers(0, CLASSES, 2, 16, 24), normal(2, 16, 24, 1), CLASSES)


@pytest.fixture(scope="module")
def network():
    return ResnetGenerator(width=2, num_downsamplings=2, num_blocks=1)


@pytest.fixture(scope="module")
def variables(network):
    return jax.jit(network.init)(jax.random.key(0), LABEL)


def test_an_image_in_the_range_has_the_size_of_the_label_map(network, variables):
    image = jax.jit(network.apply)(variables, LABEL)
    assert image.shape == (2, 16, 24, 3)
    assert image.dtype == jnp.float32
    assert np.abs(image).max() <= 1


def test_it_reads_ids_and_their_dense_map_alike(network, variables):
    soft = LABEL.replace(ids=jax.nn.one_hot(LABEL.ids, CLASSES))
    np.testing.assert_allclose(network.apply(variables, LABEL), network.apply(variables, soft), atol=1e-5)


def test_all_convolutions_but_the_last_are_spectrally_normalised(variables):
    convolutions = {name for name, tree in variables["params"].items() if "norm" not in name}
    assert set(variables["spectral"]) == convolutions - {"conv_out"}


def test_blocks_are_residual():
    # Without its blocks' convolutions a network is one without blocks.
    deep, plain = (
        ResnetGenerator(width=2, num_downsamplings=1, num_blocks=n, spectral=False, norm="none") for n in (2, 0)
    )
    params = dict(jax.jit(deep.init)(jax.random.key(0), LABEL)["params"])
    for name in [name for name in params if name.startswith("block")]:
        params[name] = jax.tree.map(jnp.zeros_like, params[name])
    kept = {name: tree for name, tree in params.items() if not name.startswith("block")}
    np.testing.assert_allclose(deep.apply({"params": params}, LABEL), plain.apply({"params": kept}, LABEL), atol=1e-6)


def test_names_count_paddings_and_activations_of_the_flat_sequence(network, variables):
    names = set(to_state_dict(variables, sequential_names(2, 1)))
    # 0 padding, 1 convolution, 2 activation, 3 and 5 down, 7 block, 8 and 10 up, 12 padding, 13 the image.
    weights = {name for name in names if name.endswith(("weight", "weight_orig"))}
    assert weights == {f"model.{i}.0.weight_orig" for i in (1, 3, 5, 8, 10)} | {
        "model.7.conv_block.1.0.weight_orig",
        "model.7.conv_block.4.0.weight_orig",
        "model.13.weight",
    }

"""The multi-scale PatchGAN discriminator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import LabelMap, average_pool
from jaxsyn.networks.patch_discriminator import MultiscaleDiscriminator, PatchDiscriminator
from tests.arrays import integers, normal

CLASSES, SIZE = 3, 16
LABEL = LabelMap(integers(0, CLASSES, 2, SIZE, SIZE), None, CLASSES)
FAKE, REAL = normal(2, SIZE, SIZE, 3, seed=1), normal(2, SIZE, SIZE, 3, seed=2)


def initialised(network):
    return jax.jit(lambda: network.init(jax.random.key(0), LABEL, (FAKE, REAL)))()


def applied(network, variables, label, images):
    return jax.jit(lambda variables: network.apply(variables, label, images))(variables)


@pytest.fixture(scope="module")
def network():
    return MultiscaleDiscriminator(num_scales=2, width=2, num_layers=3)


@pytest.fixture(scope="module")
def variables(network):
    return initialised(network)


@pytest.fixture(scope="module")
def features(network, variables):
    return applied(network, variables, LABEL, (FAKE, REAL))


def test_features_come_by_image_then_scale_then_layer(features):
    shapes = [[layer.shape for layer in scale] for scale in features[0]]
    assert shapes == [
        [(2, 9, 9, 2), (2, 5, 5, 4), (2, 6, 6, 8), (2, 7, 7, 1)],
        [(2, 5, 5, 2), (2, 3, 3, 4), (2, 4, 4, 8), (2, 5, 5, 1)],
    ]
    assert [[layer.shape for layer in scale] for scale in features[1]] == shapes


def test_images_do_not_see_each_other(network, variables, features):
    alone = applied(network, variables, LABEL, (REAL,))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), alone[0], features[1])


def test_the_label_map_counts(network, variables, features):
    other = applied(network, variables, LABEL.replace(ids=(LABEL.ids + 1) % CLASSES), (FAKE,))
    assert all(np.abs(a[-1] - b[-1]).max() > 1e-4 for a, b in zip(other[0], features[0], strict=True))


def test_the_coarser_scale_is_a_discriminator_of_pooled_label_map_and_image(network, variables, features):
    part = PatchDiscriminator(width=2, num_layers=3)
    coarse = {collection: tree["discriminator_1"] for collection, tree in variables.items()}
    expected = applied(part, coarse, LABEL.average_pool(), (average_pool(jnp.asarray(FAKE)),))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), features[0][1], expected[0])


def test_the_first_layer_is_the_convolution_of_label_map_and_image_together(variables, features):
    params = variables["params"]["discriminator_0"]["conv_0"]
    x = np.concatenate([LABEL.dense(), FAKE], axis=-1)
    y = jax.lax.conv_general_dilated(
        x, params["kernel"], (2, 2), ((2, 2), (2, 2)), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    np.testing.assert_allclose(features[0][0][0], jax.nn.leaky_relu(y + params["bias"], 0.2), atol=1e-5)


def test_spectral_normalisation_spares_the_first_and_the_last_convolution(variables):
    assert set(variables["spectral"]["discriminator_0"]) == {"conv_1", "conv_2"}
    assert "bias" not in variables["params"]["discriminator_0"]["conv_1"]


def test_without_a_norm_every_convolution_has_a_bias_and_width_ends_at_512():
    network = PatchDiscriminator(width=256, num_layers=4, norm="none", spectral=False)
    params = jax.eval_shape(lambda: network.init(jax.random.key(0), LABEL, (FAKE,)))["params"]
    assert [params[f"conv_{i}"]["bias"].shape for i in range(5)] == [(256,), (512,), (512,), (512,), (1,)]


def test_batch_normalisation_sees_all_images_that_pass_together():
    network = PatchDiscriminator(width=2, num_layers=2, norm="batch")
    variables = initialised(network)
    _, state = network.apply(variables, LABEL, (FAKE, REAL), mutable=["batch_stats", "spectral"])
    assert state["batch_stats"]["norm_1"]["count"] == 1
    _, alone = network.apply(variables, LABEL, (FAKE,), mutable=["batch_stats", "spectral"])
    assert np.abs(state["batch_stats"]["norm_1"]["mean"] - alone["batch_stats"]["norm_1"]["mean"]).max() > 0

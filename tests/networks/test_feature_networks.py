import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.networks.deeplab import MultiScaleDeepLab, deeplab_input
from jaxsyn.networks.drn import DRN, Upsampling, drn_input
from jaxsyn.networks.squeezenet import SqueezeNet
from jaxsyn.networks.upernet import ResNetEncoder, UperNetDecoder, class_probabilities
from jaxsyn.networks.vgg import VGG16, VGG19


def shapes(network, *inputs):
    output, _ = jax.eval_shape(lambda: network.init_with_output(jax.random.key(0), *inputs))
    return jax.tree.map(lambda x: x.shape, output)


def test_vgg_builds_no_layer_after_its_last_tap():
    variables = jax.eval_shape(VGG19(taps=(1, 6)).init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)))
    assert list(variables["params"]) == ["features_0", "features_2", "features_5"]


def test_vgg_taps_are_the_layers_asked_for():
    image = jnp.asarray(np.random.RandomState(0).standard_normal((1, 8, 8, 3)), jnp.float32)
    network = VGG16(taps=(0, 1, 4))
    conv, relu, pool = network.apply(network.init(jax.random.key(0), image), image)
    assert conv.min() < 0
    np.testing.assert_array_equal(relu, jnp.maximum(conv, 0))
    assert pool.shape == (1, 4, 4, 64)


def test_vgg_may_keep_fewer_pools():
    image = jnp.zeros((1, 32, 32, 3))
    assert shapes(VGG16(taps=(29,), pooled_blocks=3), image) == ((1, 4, 4, 512),)
    assert shapes(VGG16(taps=(29,)), image) == ((1, 2, 2, 512),)


def test_squeezenet_pools_hang_over_the_border():
    assert [shape[1] for shape in shapes(SqueezeNet(), jnp.zeros((1, 66, 66, 3)))] == [32, 16, 8, 4, 4, 4, 4]


def test_segmenters_answer_at_their_stride():
    image = jnp.zeros((1, 64, 96, 3))
    assert shapes(DRN(5, (1, 1, 1, 1)), image) == ((1, 8, 12, 5), (1, 64, 96, 5))
    maps = tuple(jnp.zeros(shape) for shape in shapes(ResNetEncoder((1, 1, 1, 1)), image))
    assert [x.shape[1] for x in maps] == [16, 8, 4, 2]
    assert shapes(UperNetDecoder(7, 16), maps) == (1, 16, 24, 7)
    assert shapes(MultiScaleDeepLab(4, (1, 1, 1, 1)), jnp.zeros((1, 65, 97, 3))) == (1, 9, 13, 4)


def test_upsampling_starts_bilinear():
    x = jnp.full((1, 4, 4, 2), 3.0)
    network = Upsampling()
    y = network.apply(network.init(jax.random.key(0), x), x)
    np.testing.assert_allclose(y[0, 8:-8, 8:-8], 3, rtol=1e-6)


def test_probabilities_add_up_to_one_at_the_size_asked_for():
    scores = jnp.asarray(np.random.RandomState(0).standard_normal((1, 3, 4, 6)), jnp.float32)
    found = class_probabilities(scores, 9, 11)
    assert found.shape == (1, 9, 11, 6)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)


def test_inputs_follow_the_released_weights():
    red = jnp.array([1.0, -1.0, -1.0]).reshape(1, 1, 1, 3)
    assert deeplab_input(red).ravel() == pytest.approx([-104.008, -116.669, 255 - 122.675], rel=1e-5)
    assert drn_input(red).ravel()[0] == pytest.approx((1 - 0.290101) / 0.182954, rel=1e-5)

"""PatchGAN, on several scales too, and PixelGAN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import average_pool
from jaxsyn.networks.patch_gan import PatchGAN, PatchGANPyramid, PixelGAN
from tests.arrays import filled, normal


def receptive_field(network, size):
    """How many pixels along an axis the middle logit depends on."""
    x = normal(1, size, size, 1)
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), x), scale=1.0)

    def middle(x):
        logits = network.apply(variables, x)[-1]
        return logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]

    gradient = np.asarray(jax.jit(jax.grad(middle))(x))[0, :, :, 0]
    return np.count_nonzero(np.abs(gradient).sum(1))


@pytest.mark.parametrize(("num_layers", "pixels"), [(1, 16), (2, 34), (3, 70)])
def test_the_number_of_layers_makes_the_size_of_the_patches(num_layers, pixels):
    assert receptive_field(PatchGAN(width=1, num_layers=num_layers, norm="none"), 2 * pixels) == pixels


def test_pixel_gan_sees_one_pixel():
    assert receptive_field(PixelGAN(width=1, norm="none"), 8) == 1


def test_the_logits_of_the_paper_are_30_by_30():
    layers, _ = jax.eval_shape(
        PatchGAN().init_with_output, jax.random.key(0), jax.ShapeDtypeStruct((1, 256, 256, 6), jnp.float32)
    )
    assert [layer.shape[1:] for layer in layers] == [
        (128, 128, 64),
        (64, 64, 128),
        (32, 32, 256),
        (31, 31, 512),
        (30, 30, 1),
    ]


def test_only_first_and_last_convolution_have_a_bias_beside_batch_norm():
    x = jnp.zeros((1, 32, 32, 3))
    params = jax.eval_shape(PatchGAN(width=1).init, jax.random.key(0), x)["params"]
    assert [name for name in params if "conv" in name and "bias" in params[name]] == ["conv_0", "conv_4"]
    params = jax.eval_shape(PixelGAN(width=1).init, jax.random.key(0), x)["params"]
    assert [name for name in params if "conv" in name and "bias" in params[name]] == ["conv_0"]


def test_coarser_scales_are_narrower_and_see_the_pooled_image():
    x = normal(1, 32, 32, 3)
    network = PatchGANPyramid(num_scales=3, width=6, num_layers=1)
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), x))
    scales = jax.jit(network.apply)(variables, x)
    assert [layers[0].shape for layers in scales] == [(1, 16, 16, 6), (1, 8, 8, 3), (1, 4, 4, 2)]
    second = PatchGAN(width=3, num_layers=1, norm="instance", bias=True)
    alone = second.apply({"params": variables["params"]["scale_1"]}, average_pool(x))
    np.testing.assert_allclose(scales[1][-1], alone[-1], atol=1e-5)


def test_a_bias_beside_batch_norm_can_be_asked_for():
    params = jax.eval_shape(PatchGAN(width=1, bias=True).init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    assert all("bias" in layer for name, layer in params.items() if "conv" in name)

"""How images reach an Inception network: the four ways of the papers' tools, from 8-bit images [B, H, W, 3], RGB.

The resize alone moves a Frechet distance by whole points: compare distances of one protocol only.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsyn.layers.resample import bicubic_aligned_axis, bilinear_axis, resample, resize_pillow, tensorflow1_axis
from jaxsyn.networks.inception import SIZE, FIDInception, InceptionV3, TorchvisionInception

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def tensorflow_input(images: jax.Array) -> jax.Array:
    """The original Frechet distance and torch-fidelity: TensorFlow 1's bilinear, (x - 128) / 128."""
    return (resample(images, SIZE, SIZE, tensorflow1_axis) - 128) / 128


def pytorch_fid_input(images: jax.Array) -> jax.Array:
    """pytorch-fid, hence SPADE, OASIS, CLADE, INADE, NICE-GAN: torch's bilinear without antialiasing, to [-1, 1]."""
    return 2 * resample(images / 255.0, SIZE, SIZE, bilinear_axis) - 1


def stargan_v2_input(images: jax.Array) -> jax.Array:
    """StarGAN v2: Pillow's bilinear, rounded to 8 bits, ImageNet's mean and deviation."""
    return (resize_pillow(images, SIZE, SIZE) / 255.0 - jnp.array(MEAN)) / jnp.array(STD)


def imaginaire_input(images: jax.Array) -> jax.Array:
    """imaginaire: [-1, 1] through torch's bicubic with aligned corners."""
    return resample(images / 127.5 - 1, SIZE, SIZE, bicubic_aligned_axis)


class InceptionProtocol(NamedTuple):
    """The network, the name of its weights (see `jaxsyn.evaluation.weights`), and the way of images into it."""

    network: InceptionV3
    weights: str
    prepare: Callable[[jax.Array], jax.Array]


PROTOCOLS = {
    "tensorflow": InceptionProtocol(FIDInception(), "inception", tensorflow_input),
    "pytorch_fid": InceptionProtocol(FIDInception(), "inception", pytorch_fid_input),
    "stargan_v2": InceptionProtocol(TorchvisionInception(), "inception_torchvision", stargan_v2_input),
    "imaginaire": InceptionProtocol(TorchvisionInception(), "inception_torchvision", imaginaire_input),
}

"""Domain-invariant perceptual distance: is the content kept when the domain changes? (MUNIT, arXiv 1804.04732.)

FUNIT and HiDT report the L2 distance of "normalised" VGG conv5 features without code; MUNIT's loss is the nearest
released code, and its reading of "normalised" is instance normalisation. Features are relu5_3 of `NETWORK`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxsyn.networks.vgg import VGG16

# MUNIT's VGG-16 has no pool between conv4_3 and conv5_1.
NETWORK = VGG16(taps=(29,), pooled_blocks=3)

MEAN = (103.939, 116.779, 123.680)


def caffe_input(images: jax.Array) -> jax.Array:
    """Images [B, H, W, 3] in [-1, 1], RGB -> BGR in 0 .. 255 less the ImageNet mean."""
    return (images[..., ::-1] + 1) * 127.5 - jnp.array(MEAN, images.dtype)


def dipd(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean squared difference of instance-normalised features [B, h, w, C], [B], at least 0: MUNIT's loss; jit-able."""
    return _squared_differences(_instance_normalise, first, second).mean((1, 2, 3))


def dipd_l2(first: jax.Array, second: jax.Array) -> jax.Array:
    """L2 distance of instance-normalised features [B, h, w, C], [B], at least 0, as FUNIT words it; jit-able."""
    return jnp.sqrt(_squared_differences(_instance_normalise, first, second).sum((1, 2, 3)))


def dipd_channel(first: jax.Array, second: jax.Array) -> jax.Array:
    """The other reading of "normalised": squared distance of the unit vectors at each position, averaged.

    first, second: features [B, h, w, C]. Returns [B], in [0, 4]; jit-able.
    """
    return _squared_differences(_channel_normalise, first, second).sum(-1).mean((1, 2))


def _squared_differences(normalise: Callable, first: jax.Array, second: jax.Array) -> jax.Array:
    return (normalise(first) - normalise(second)) ** 2


def _instance_normalise(features: jax.Array) -> jax.Array:
    mean, variance = features.mean((1, 2), keepdims=True), features.var((1, 2), keepdims=True)
    return (features - mean) * jax.lax.rsqrt(variance + 1e-5)


def _channel_normalise(features: jax.Array) -> jax.Array:
    return features / (jnp.linalg.norm(features, axis=-1, keepdims=True) + 1e-10)

"""Resizing and pooling by the index rules of PyTorch, which the reference implementations use."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def resize_nearest(x: jax.Array, height: int, width: int) -> jax.Array:
    """Nearest neighbour by source index floor(i * in / out), torch's rule: 8 -> 4 takes 0, 2, 4, 6.

    `jax.image.resize` takes pixel centres (1, 3, 5, 7) and does not replace it. An integer factor is a strided slice
    (or a repetition), anything else a gather with constant indices.

    Args:
        x: [B, H, W, ...], any dtype.

    Returns:
        [B, height, width, ...], same dtype.
    """
    return _nearest_axis(_nearest_axis(x, height, axis=1), width, axis=2)


def _nearest_axis(x: jax.Array, size: int, axis: int) -> jax.Array:
    length = x.shape[axis]
    if length == size:
        return x
    if length % size == 0:
        return lax.slice_in_dim(x, 0, None, stride=length // size, axis=axis)
    if size % length == 0:
        return jnp.repeat(x, size // length, axis=axis)
    # float32 as in torch: a wider type would round some indices to the other neighbour.
    scale = np.float32(length) / np.float32(size)
    indices = np.minimum((np.arange(size, dtype=np.float32) * scale).astype(np.int32), length - 1)
    return jnp.take(x, indices, axis=axis)


def upsample_nearest(x: jax.Array, factor: int = 2) -> jax.Array:
    """Repeats every pixel: [B, H, W, C] -> [B, factor * H, factor * W, C]."""
    batch, height, width, channels = x.shape
    x = jnp.broadcast_to(x[:, :, None, :, None, :], (batch, height, factor, width, factor, channels))
    return x.reshape(batch, factor * height, factor * width, channels)


def resize_bilinear(x: jax.Array, height: int, width: int) -> jax.Array:
    """Bilinear with half-pixel centres and no antialiasing: torch's `interpolate(align_corners=False)`.

    [B, H, W, C] float -> [B, height, width, C].
    """
    shape = (x.shape[0], height, width, x.shape[3])
    return x if shape == x.shape else jax.image.resize(x, shape, "bilinear", antialias=False)


def average_pool(x: jax.Array, window: int = 3, stride: int = 2, padding: int = 1) -> jax.Array:
    """Average pooling that leaves the padding out of the count (`count_include_pad=False`).

    [B, H, W, C] -> [B, (H + 2 * padding - window) // stride + 1, ..., C]; float32 of a map that is not of floats.
    """
    x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)
    pads = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    total = lax.reduce_window(x, 0.0, lax.add, (1, window, window, 1), (1, stride, stride, 1), pads)
    return total / pool_counts(*x.shape[1:3], window, stride, padding).astype(x.dtype)


def pool_counts(height: int, width: int, window: int = 3, stride: int = 2, padding: int = 1) -> np.ndarray:
    """How many pixels of an image, and not of its padding, each window of a pooling holds: float32 [1, h, w, 1]."""

    def along(length: int) -> np.ndarray:
        starts = np.arange((length + 2 * padding - window) // stride + 1) * stride - padding
        return np.minimum(starts + window, length) - np.maximum(starts, 0)

    return np.outer(along(height), along(width)).astype(np.float32)[None, :, :, None]

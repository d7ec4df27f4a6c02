"""Max pooling as torch's `ceil_mode` shapes it."""

import jax
from flax import linen as nn


def max_pool_ceil(x: jax.Array, window: int = 3, stride: int = 2, padding: int = 0) -> jax.Array:
    """Max pooling whose last window may hang over the border, as long as it starts on the image or its left padding.

    [B, H, W, C] -> [B, ceil((H + 2 * padding - window) / stride) + 1, ..., C].
    """
    pads = [(padding, padding + _overhang(size, window, stride, padding)) for size in x.shape[1:3]]
    return nn.max_pool(x, (window, window), strides=(stride, stride), padding=pads)


def _overhang(size: int, window: int, stride: int, padding: int) -> int:
    steps = -(-(size + 2 * padding - window) // stride)
    if steps * stride >= size + padding:
        steps -= 1
    return max(steps * stride + window - size - 2 * padding, 0)

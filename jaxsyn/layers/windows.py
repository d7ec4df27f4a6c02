"""The values under a window's taps."""

import jax
from jax import lax


def windows(ids: jax.Array, size: int, stride: int = 1) -> list[jax.Array]:
    """The ids [B, H, W] under each of the size * size taps of a window, row by row: arrays [B, h, w]."""
    batch, height, width = ids.shape
    rows, columns = (height - size) // stride * stride + 1, (width - size) // stride * stride + 1
    return [
        lax.slice(ids, (0, i, j), (batch, i + rows, j + columns), (1, stride, stride))
        for i in range(size)
        for j in range(size)
    ]

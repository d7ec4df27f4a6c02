"""Sub-pixel up-sampling (Shi et al., CVPR 2016)."""

import jax


def pixel_shuffle(x: jax.Array, factor: int = 2) -> jax.Array:
    """[B, H, W, C * factor**2] -> [B, factor * H, factor * W, C], each pixel's channels becoming a square.

    A channel's square is made of neighbouring channels, row by row: torch's order.
    """
    batch, height, width, channels = x.shape
    x = x.reshape(batch, height, width, channels // factor**2, factor, factor)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * factor, width * factor, -1)

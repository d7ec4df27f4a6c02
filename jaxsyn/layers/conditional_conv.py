"""Convolution whose kernels are predicted for every pixel (CC-FPSE: Liu et al., NeurIPS 2019, section 3.1)."""

import jax
import jax.numpy as jnp


def conditional_convolve(x: jax.Array, kernels: jax.Array) -> jax.Array:
    """Depthwise convolution by a kernel of its own at every pixel and channel, zeros beyond the border.

    The sum over the window is one multiply-add after another of shifted views of x, which the compiler fuses into one
    pass: neither the patches of x nor the products, each k * k times as large as x, are ever made. What stays in
    memory are x with its border and the kernels themselves.

    Args:
        x: [B, H, W, C].
        kernels: [B, H, W, k * k * C], k odd: for every tap of the window, row by row from the upper left, its weights
            of all channels. Slices of one tap are so contiguous; see `taps_first`.

    Returns:
        [B, H, W, C], summed in float32, in x's dtype.
    """
    height, width, channels = x.shape[1:]
    size = round((kernels.shape[-1] / channels) ** 0.5)
    border = size // 2
    padded = jnp.pad(x, ((0, 0), (border, border), (border, border), (0, 0)))
    total = jnp.zeros(x.shape, jnp.float32)
    for tap in range(size * size):
        row, column = divmod(tap, size)
        shifted = padded[:, row : row + height, column : column + width].astype(jnp.float32)
        total += shifted * kernels[..., tap * channels : (tap + 1) * channels].astype(jnp.float32)
    return total.astype(x.dtype)


def taps_first(weights: jax.Array, taps: int = 9) -> jax.Array:
    """Reorders the last axis from channels of taps, as CC-FPSE's predictors give them, to taps of channels.

    Applied to a predictor's kernel and bias it costs nothing at the size of the image.
    """
    return weights.reshape(*weights.shape[:-1], -1, taps).swapaxes(-1, -2).reshape(weights.shape)

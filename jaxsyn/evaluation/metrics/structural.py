"""Pixel and structural similarity of image pairs: SSIM in the variants of the papers, MS-SSIM, PSNR, RMSE, L1.

Every function takes pairs [B, H, W, C], is jit-able and answers per image, float32 [B].
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# What a window sees beyond the image. valid: it never leaves the image (skimage's crop gives the same mean);
# symmetric: the mirror image, edge pixel repeated; zero: zeros, output of the same size; full: zeros, and windows
# that overlap the image in a single pixel count too (the Lua scripts).
Border = Literal["valid", "symmetric", "zero", "full"]


def gaussian_window(size: int = 11, sigma: float = 1.5) -> np.ndarray:
    """One axis of the Gaussian window of SSIM, float32 [size], sum 1."""
    weights = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    return (weights / weights.sum()).astype(np.float32)


def box_window(size: int = 7) -> np.ndarray:
    """One axis of a uniform window, float32 [size], sum 1."""
    return np.full(size, 1 / size, np.float32)


def ssim_map(
    first: jax.Array,
    second: jax.Array,
    *,
    window: np.ndarray,
    data_range: float | jax.Array,
    border: Border = "valid",
    sample_covariance: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """Structural similarity around each pixel, and its contrast-structure factor.

    first, second: [B, H, W, C], any range.
    window: one axis of a separable window, [k].
    data_range: the width of that range, e.g. 255, a scalar or one value per image [B].
    sample_covariance: divides by k^2 - 1 instead of k^2 (skimage's default with its box window).
    Returns two maps [B, h, w, C], each value in [-1, 1].
    Source: Wang et al., IEEE TIP 2004, equation 13, with K1 = 0.01, K2 = 0.03.
    """
    data_range = jnp.reshape(jnp.asarray(data_range, jnp.float32), (-1, 1, 1, 1))
    first, second = (_pad(jnp.asarray(x, jnp.float32) / data_range, len(window), border) for x in (first, second))
    # Variances do not depend on the level, float32 differences of squares do: take the level out first.
    level = first.mean((1, 2, 3), keepdims=True)
    first, second = first - level, second - level
    mean_1, mean_2, square_1, square_2, product = (
        _filter(x, window) for x in (first, second, first * first, second * second, first * second)
    )
    samples = len(window) ** 2
    unbias = samples / (samples - 1) if sample_covariance else 1.0
    variances = unbias * (square_1 - mean_1**2 + square_2 - mean_2**2)
    covariance = unbias * (product - mean_1 * mean_2)
    contrast = (2 * covariance + 0.03**2) / (variances + 0.03**2)
    mean_1, mean_2 = mean_1 + level, mean_2 + level
    luminance = (2 * mean_1 * mean_2 + 0.01**2) / (mean_1**2 + mean_2**2 + 0.01**2)
    return luminance * contrast, contrast


def ssim(
    first: jax.Array,
    second: jax.Array,
    *,
    data_range: float | jax.Array = 255.0,
    window: np.ndarray | None = None,
    border: Border = "valid",
    sample_covariance: bool = False,
) -> jax.Array:
    """Mean structural similarity per image, [B], in [-1, 1].

    The default is Wang's: a Gaussian window of 11 with sigma 1.5, population covariance, windows inside the image.
    skimage's default is `window=box_window(7), sample_covariance=True`. The person-transfer scripts take
    `data_range=jnp.ptp(fake, axis=(1, 2, 3))`. The Lua scripts of the cross-view papers take luma and `border="full"`.
    Images smaller than the window have no value: NaN.
    """
    window = gaussian_window() if window is None else window
    similarity, _ = ssim_map(
        first, second, window=window, data_range=data_range, border=border, sample_covariance=sample_covariance
    )
    return similarity.mean((1, 2, 3))


def ms_ssim(
    first: jax.Array,
    second: jax.Array,
    *,
    data_range: float = 255.0,
    weights: tuple[float, ...] = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
) -> jax.Array:
    """Multi-scale structural similarity per image, [B], in [0, 1].

    A level halves the images by 2x2 means (the height and width must divide); negative factors are clipped at 0;
    the window shrinks, its sigma with it, where a level is smaller than 11 pixels.
    Source: Wang et al., Asilomar 2003, as used by Karras et al., ICLR 2018 (arXiv 1710.10196).
    """
    first, second = jnp.asarray(first, jnp.float32), jnp.asarray(second, jnp.float32)
    result = jnp.ones(len(first), jnp.float32)
    for level, weight in enumerate(weights):
        size = min(11, *first.shape[1:3])
        window = gaussian_window(size, 1.5 * size / 11)
        similarity, contrast = ssim_map(first, second, window=window, data_range=data_range)
        factor = similarity if level == len(weights) - 1 else contrast
        result *= jnp.maximum(factor.mean((1, 2, 3)), 0) ** weight
        if level < len(weights) - 1:
            first, second = _halve(first), _halve(second)
    return result


def luma(images: jax.Array) -> jax.Array:
    """ITU-R 601 luma: [B, H, W, 3] -> [B, H, W, 1], same range."""
    return jnp.asarray(images, jnp.float32) @ jnp.array([[0.299], [0.587], [0.114]], jnp.float32)


def psnr(first: jax.Array, second: jax.Array, data_range: float = 255.0) -> jax.Array:
    """Peak signal-to-noise ratio in dB, [B]; infinite for equal images. [B, H, W, C] whose range is data_range wide."""
    return 20 * jnp.log10(data_range / rmse(first, second))


def rmse(first: jax.Array, second: jax.Array) -> jax.Array:
    """Root mean square error per image, [B], in the images' unit (the papers: [0, 1])."""
    difference = jnp.asarray(first, jnp.float32) - jnp.asarray(second, jnp.float32)
    return jnp.sqrt(jnp.mean(difference**2, (1, 2, 3)))


def l1(first: jax.Array, second: jax.Array) -> jax.Array:
    """Mean absolute difference per image, [B], in the images' unit (the papers: [-1, 1])."""
    return jnp.mean(jnp.abs(jnp.asarray(first, jnp.float32) - jnp.asarray(second, jnp.float32)), (1, 2, 3))


def _pad(x: jax.Array, size: int, border: Border) -> jax.Array:
    if border == "valid":
        return x
    if border == "full":
        return jnp.pad(x, ((0, 0), (size - 1, size - 1), (size - 1, size - 1), (0, 0)))
    around = (size // 2, (size - 1) // 2)
    mode = "symmetric" if border == "symmetric" else "constant"
    return jnp.pad(x, ((0, 0), around, around, (0, 0)), mode=mode)


def _filter(x: jax.Array, window: np.ndarray) -> jax.Array:
    for axis in (1, 2):
        moved = jnp.moveaxis(x, axis, -1)
        rows = lax.conv_general_dilated(
            moved.reshape(-1, 1, moved.shape[-1]), window[None, None], (1,), "VALID", precision=lax.Precision.HIGHEST
        )
        x = jnp.moveaxis(rows.reshape(*moved.shape[:-1], -1), -1, axis)
    return x


def _halve(x: jax.Array) -> jax.Array:
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels).mean((2, 4))

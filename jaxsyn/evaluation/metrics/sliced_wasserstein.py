"""Sliced Wasserstein distance of patches of a Laplacian pyramid (Karras et al., ICLR 2018, arXiv 1710.10196)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsyn.errors import UserError

PATCH = 7
SMALLEST_LEVEL = 16


class Variant(NamedTuple):
    """Details in which implementations differ. PROGRESSIVE_GAN is the original; MMGENERATION also takes [-1, 1] images.

    mirror_border: the filter sees the mirror image beyond the border, not zeros.
    spread_zeros: upsampling filters pixels spread with zeros, not repeated pixels.
    ddof: 1 for the unbiased standard deviation of the descriptors.
    """

    mirror_border: bool
    spread_zeros: bool
    ddof: int


PROGRESSIVE_GAN = Variant(mirror_border=True, spread_zeros=True, ddof=0)
MMGENERATION = Variant(mirror_border=False, spread_zeros=False, ddof=1)


def pyramid_sizes(height: int, width: int) -> tuple[tuple[int, int], ...]:
    """Height and width of each level, halved while the shorter side stays at least 16.

    Raises UserError where a level does not halve evenly or the image is too small.
    """
    sizes, level = [], (height, width)
    while min(level) >= SMALLEST_LEVEL:
        sizes.append(level)
        level = (level[0] // 2, level[1] // 2)
    if not sizes or any(side % 2 for level in sizes[:-1] for side in level):
        raise UserError(f"sliced Wasserstein needs sizes of 16 2^n pixels, found {height}x{width}: resize the images")
    return tuple(sizes)


def laplacian_pyramid(images: jax.Array, levels: int, variant: Variant = PROGRESSIVE_GAN) -> tuple[jax.Array, ...]:
    """Band-pass levels, fine to coarse, the last one low-pass; jit-able.

    images: [B, H, W, C], whose height and width halve evenly levels - 1 times. Returns [B, H / 2^i, W / 2^i, C] each.
    """
    pyramid = [jnp.asarray(images, jnp.float32)]
    for _ in range(1, levels):
        smaller = _binomial(pyramid[-1], variant)[:, ::2, ::2]
        pyramid[-1] = pyramid[-1] - _enlarge(smaller, variant)
        pyramid.append(smaller)
    return tuple(pyramid)


def patches(level: jax.Array, columns: jax.Array, rows: jax.Array) -> jax.Array:
    """7x7 patches of a pyramid level, flattened in the order channel, column, row.

    level: [B, H, W, C]; columns, rows: int [B * n], the centres, n to an image, each in [3, size - 4].
    Returns [B * n, C * 49].
    """
    image = jnp.arange(len(columns)) // (len(columns) // len(level))
    offsets = jnp.arange(PATCH) - PATCH // 2
    found = level[image[:, None, None], (rows[:, None] + offsets)[:, None, :], (columns[:, None] + offsets)[:, :, None]]
    return jnp.moveaxis(found, -1, 1).reshape(len(columns), -1)


def standardise(descriptors: jax.Array, channels: int = 3, variant: Variant = PROGRESSIVE_GAN) -> jax.Array:
    """Descriptors [N, C * 49] of a whole set with zero mean and unit variance in each channel."""
    by_channel = descriptors.reshape(len(descriptors), channels, -1)
    mean = by_channel.mean((0, 2), keepdims=True)
    deviation = by_channel.std((0, 2), keepdims=True, ddof=variant.ddof)
    return ((by_channel - mean) / deviation).reshape(descriptors.shape)


def sliced_wasserstein(real: jax.Array, fake: jax.Array, directions: jax.Array) -> jax.Array:
    """Mean absolute difference of sorted projections; a scalar, jit-able.

    real, fake: standardised descriptors [N, D]; directions: [repeats, D, n], of any length.
    """
    directions = directions / jnp.linalg.norm(directions, axis=1, keepdims=True)

    def of_one_repeat(direction: jax.Array) -> jax.Array:
        sides = (jnp.sort(jnp.matmul(x, direction, precision=lax.Precision.HIGHEST), axis=0) for x in (real, fake))
        return jnp.abs(next(sides) - next(sides)).mean()

    return lax.map(of_one_repeat, directions).mean()


def sliced_wasserstein_on_host(real: np.ndarray, fake: np.ndarray, directions: np.ndarray) -> float:
    """`sliced_wasserstein` in numpy, for descriptors that lie on the host: XLA's sort on a CPU is 100 times slower."""
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)

    def of_one_repeat(direction: np.ndarray) -> np.floating:
        first, second = (np.sort(direction.T @ x.T, axis=-1) for x in (real, fake))
        return np.abs(first - second).mean(dtype=np.float64)

    return float(np.mean([of_one_repeat(direction) for direction in directions]))


def _binomial(x: jax.Array, variant: Variant) -> jax.Array:
    mode = "reflect" if variant.mirror_border else "constant"
    for axis in (1, 2):
        pads = [(0, 0)] * 4
        pads[axis] = (2, 2)
        padded, size = jnp.pad(x, pads, mode=mode), x.shape[axis]
        taps = enumerate((1, 4, 6, 4, 1))
        x = sum(lax.slice_in_dim(padded, i, i + size, axis=axis) * (weight / 16) for i, weight in taps)
    return x


def _enlarge(x: jax.Array, variant: Variant) -> jax.Array:
    if not variant.spread_zeros:
        return _binomial(x.repeat(2, 1).repeat(2, 2), variant)
    batch, height, width, channels = x.shape
    spread = jnp.zeros((batch, 2 * height, 2 * width, channels), x.dtype).at[:, ::2, ::2].set(x)
    return 4 * _binomial(spread, variant)


def draw_positions(generator: np.random.Generator, count: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of `count` patch centres inside a level of size (height, width), int [count] each."""
    margin = PATCH // 2
    rows, columns = (generator.integers(margin, side - margin, count) for side in size)
    return columns, rows

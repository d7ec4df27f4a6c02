"""A tile of periodic noise that all textures look up: a look-up costs one index, however many octaves it holds."""

import functools

import numpy as np

SIZE = 512
"""Texels along a side of the tile; a power of two."""


@functools.lru_cache(maxsize=1)
def tiles() -> tuple[np.ndarray, np.ndarray]:
    """Returns float32 [SIZE * SIZE] twice: coarse noise (cells of 64 to 16 texels) and fine noise (8 to 2 texels).

    Both have mean 0 and standard deviation 1. They are the same in every process.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(20190318)))
    coarse = _octaves(rng, (64, 32, 16))
    fine = _octaves(rng, (8, 4, 2))
    return coarse, fine


def at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Index into the tiles of the texel at (x, y), in tile sides, wrapping around."""
    column = np.asarray(x * SIZE).astype(np.int32) & (SIZE - 1)
    row = np.asarray(y * SIZE).astype(np.int32) & (SIZE - 1)
    return row * SIZE + column


def _octaves(rng: np.random.Generator, cells: tuple[int, ...]) -> np.ndarray:
    total = np.zeros((SIZE, SIZE))
    for octave, cell in enumerate(cells):
        total += 0.6**octave * _smooth(rng.random((SIZE // cell, SIZE // cell)), cell)
    return ((total - total.mean()) / total.std()).astype(np.float32).ravel()


def _smooth(grid: np.ndarray, cell: int) -> np.ndarray:
    """Periodic interpolation of a grid to SIZE texels, with the smooth-step weight."""
    position = np.arange(SIZE) / cell
    low = position.astype(int)
    high = (low + 1) % grid.shape[0]
    weight = position - low
    weight = weight * weight * (3 - 2 * weight)
    rows = grid[low] + (grid[high] - grid[low]) * weight[:, None]
    return rows[:, low] + (rows[:, high] - rows[:, low]) * weight

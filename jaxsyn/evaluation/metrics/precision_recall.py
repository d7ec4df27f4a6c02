"""Precision, recall, density and coverage from nearest neighbours in feature space.

Source: Kynkaanniemi et al., NeurIPS 2019 (arXiv 1904.06991); Naeem et al., ICML 2020 (arXiv 2002.09797).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.errors import UserError

TILE = 1024


class PrecisionRecall(NamedTuple):
    """precision, recall, coverage, f_score in [0, 1]; density is not bounded by 1."""

    precision: float
    recall: float
    f_score: float
    density: float
    coverage: float


class NearestNeighbourAccuracy(NamedTuple):
    """Leave-one-out accuracy of telling real from fake, in [0, 1]; 0.5 is best."""

    both: float
    real: float
    fake: float


def neighbour_radii(features: np.ndarray, neighbours: int) -> np.ndarray:
    """Distance of each of the features [N, D] to its k-th nearest neighbour, itself not counted; float32 [N]."""
    if len(features) <= neighbours:
        raise UserError(f"{neighbours} nearest neighbours need more than {neighbours} images, found {len(features)}")
    rows = (np.partition(tile, neighbours, axis=1)[:, neighbours] for _, tile in _distance_tiles(features, features))
    return np.concatenate(list(rows))


def precision_recall(real: np.ndarray, fake: np.ndarray, neighbours: int = 3, strict: bool = False) -> PrecisionRecall:
    """How many fakes lie in the balls around reals, and the other way round; real [N, D], fake [M, D].

    A ball reaches to the k-th neighbour within its own set. torch-fidelity takes k = 3 and counts the surface;
    imaginaire, which also reports density and coverage, takes k = 5 and `strict`, which does not.
    Raises UserError for sets of k images or fewer.
    """
    real_radii, fake_radii = neighbour_radii(real, neighbours), neighbour_radii(fake, neighbours)
    inside_real = np.zeros(len(fake), np.int64)
    inside_fake = np.zeros(len(real), bool)
    covered = np.zeros(len(real), bool)
    within = np.less if strict else np.less_equal
    for start, tile in _distance_tiles(real, fake):
        rows = slice(start, start + len(tile))
        in_balls = within(tile, real_radii[rows, None])
        inside_real += in_balls.sum(0)
        covered[rows] = in_balls.any(1)
        inside_fake[rows] = within(tile, fake_radii).any(1)
    precision, recall = float((inside_real > 0).mean()), float(inside_fake.mean())
    f_score = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return PrecisionRecall(precision, recall, f_score, float(inside_real.mean() / neighbours), float(covered.mean()))


def nearest_neighbour_accuracy(real: np.ndarray, fake: np.ndarray) -> NearestNeighbourAccuracy:
    """Is the nearest neighbour of an image, among all others, of its own kind? real [N, D], fake [M, D]."""
    features = np.concatenate([real, fake])
    if min(len(real), len(fake)) < 2:
        raise UserError(f"nearest neighbours need at least 2 images in each set, found {len(real)} and {len(fake)}")
    is_real = np.arange(len(features)) < len(real)
    nearest = []
    for start, tile in _distance_tiles(features, features):
        tile[np.arange(len(tile)), start + np.arange(len(tile))] = np.inf
        nearest.append(tile.argmin(1))
    right = is_real[np.concatenate(nearest)] == is_real
    return NearestNeighbourAccuracy(float(right.mean()), float(right[is_real].mean()), float(right[~is_real].mean()))


def _distance_tiles(rows: np.ndarray, columns: np.ndarray):
    """Yields (first row, distances [tile, M]) so that memory grows with one set, not with the product of both."""
    # |a|^2 + |b|^2 - 2 a.b loses digits with the distance of the points from the origin: move that into the data.
    centre = np.asarray(rows, np.float64).mean(0)
    rows, columns = (np.asarray(x - centre, np.float32) for x in (rows, columns))
    tile = min(TILE, len(rows))
    for start in range(0, len(rows), tile):
        block = rows[start : start + tile]
        padded = np.pad(block, ((0, tile - len(block)), (0, 0)))
        yield start, np.array(_distances(padded, columns)[: len(block)])


@jax.jit
def _distances(rows: jax.Array, columns: jax.Array) -> jax.Array:
    inner = jnp.matmul(rows, columns.T, precision=jax.lax.Precision.HIGHEST)
    squared = (rows**2).sum(1)[:, None] + (columns**2).sum(1) - 2 * inner
    return jnp.sqrt(jnp.maximum(squared, 0))

"""Frechet distance between two sets of features (Heusel et al., NeurIPS 2017, arXiv 1706.08500)."""

from typing import NamedTuple

import numpy as np

from jaxsyn.errors import UserError


class FeatureStatistics:
    """Count, mean and covariance of features, gathered batch by batch in float64; memory does not grow with the count.

    In float32 the covariance of 32 features already costs 3e-4 of the distance, so the sums live on the host.
    """

    def __init__(self, dimension: int):
        self.count = 0
        self.total = np.zeros(dimension, np.float64)
        self.outer = np.zeros((dimension, dimension), np.float64)

    def update(self, features: np.ndarray, mask: np.ndarray | None = None) -> None:
        """Adds features [N, D]; mask: bool [N], False for rows that only pad a batch. Raises UserError for NaN."""
        features = np.asarray(features, np.float64)
        if mask is not None:
            features = features[np.asarray(mask, bool)]
        if not np.isfinite(features).all():
            raise UserError("features hold NaN or infinite values: check the images and the feature network's weights")
        self.count += len(features)
        self.total += features.sum(0)
        self.outer += features.T @ features

    def merge(self, other: "FeatureStatistics") -> None:
        """Adds what another process or shard gathered."""
        self.count += other.count
        self.total += other.total
        self.outer += other.outer

    @property
    def mean(self) -> np.ndarray:
        """float64 [D]."""
        return self.total / self.count

    @property
    def covariance(self) -> np.ndarray:
        """float64 [D, D], divided by N - 1. Raises UserError for fewer than two samples."""
        if self.count < 2:
            raise UserError(f"a covariance needs at least 2 images, found {self.count}: add images")
        return (self.outer - self.count * np.outer(self.mean, self.mean)) / (self.count - 1)


class FrechetDistance(NamedTuple):
    """The distance, its two parts, and a line on how far to trust it ("" if there is nothing to say)."""

    value: float
    mean_term: float
    covariance_term: float
    note: str


def frechet_distance(
    mean_real: np.ndarray,
    covariance_real: np.ndarray,
    mean_fake: np.ndarray,
    covariance_fake: np.ndarray,
    offset: float = 0.0,
) -> tuple[float, float]:
    """|m1 - m2|^2 and tr S1 + tr S2 - 2 tr (S1 S2)^(1/2), whose sum is the distance; float64.

    mean_*: [D]; covariance_*: [D, D], symmetric and positive semi-definite, singular ones included.
    offset: added to both diagonals inside the root. pytorch-fid and its copies add 1e-6, but only if their matrix
        root comes out not finite; that visibly changes the value on singular covariances, so it is 0 here.

    With S = A A^T, the trace of the root is the sum of the singular values of A1^T A2. Unlike the root of S1 S2, or
    its eigenvalues, this takes no square root of a rounding error, and rank-deficient covariances only make it faster.
    """
    mean_term = float(np.sum((np.asarray(mean_real, np.float64) - mean_fake) ** 2))
    root_real = _factor(covariance_real, offset)
    root_fake = _factor(covariance_fake, offset)
    trace_of_root = np.linalg.svd(root_real.T @ root_fake, compute_uv=False).sum()
    covariance_term = float(np.trace(covariance_real) + np.trace(covariance_fake) - 2 * trace_of_root)
    return mean_term, covariance_term


def frechet(real: FeatureStatistics, fake: FeatureStatistics) -> FrechetDistance:
    """Frechet distance of two gathered sets; says so where the sets are too small for their feature dimension."""
    mean_term, covariance_term = frechet_distance(real.mean, real.covariance, fake.mean, fake.covariance)
    dimension, fewest = len(real.total), min(real.count, fake.count)
    note = ""
    if fewest <= dimension:
        note = (
            f"{fewest} images for {dimension} features: the covariance is singular and the distance biased upward; "
            "compare only with distances from as many images"
        )
    elif real.count != fake.count:
        note = f"{real.count} real and {fake.count} fake images: the bias depends on the counts"
    return FrechetDistance(mean_term + covariance_term, mean_term, covariance_term, note)


def _factor(covariance: np.ndarray, offset: float) -> np.ndarray:
    """A [D, rank] with A A^T = covariance + offset * identity; directions of no variance are dropped."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, np.float64) + offset * np.eye(len(covariance)))
    kept = values > values.max() * len(values) * np.finfo(np.float64).eps
    return vectors[:, kept] * np.sqrt(values[kept])

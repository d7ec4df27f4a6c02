"""Averages of distances over image pairs, gathered batch by batch."""

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from jaxsyn.errors import UserError
from jaxsyn.evaluation.pair_distance import PairDistance, pair_distance
from jaxsyn.evaluation.score import Score
from jaxsyn.evaluation.weights import MissingWeights, skipped


class PairMeasure:
    """Averages distances of pairs; per-image values stay available, 4 bytes an image and metric.

    metrics: those of `jaxsyn.evaluation.pair_distance.METRICS` to report.
    """

    def __init__(self, metrics: tuple[str, ...], download: bool = False):
        self.metrics = metrics
        self._distances: dict[str, PairDistance] = {}
        self._missing: dict[str, tuple[MissingWeights, ...]] = {}
        for metric in metrics:
            found = pair_distance(metric, download)
            (self._distances if isinstance(found, PairDistance) else self._missing)[metric] = found
        self._values: dict[str, list[np.ndarray]] = {metric: [] for metric in self._distances}

    def add(self, real: jax.Array, fake: jax.Array, mask: np.ndarray) -> None:
        """real, fake: uint8 [B, H, W, 3], pairs; mask: bool [B], False for rows that only pad a batch."""
        values = {metric: distance.measure(real, fake) for metric, distance in self._distances.items()}
        for metric, of_pairs in process_allgather(values, tiled=True).items():
            self._values[metric].append(of_pairs[np.asarray(mask)])

    def per_image(self, metric: str) -> np.ndarray:
        """The metric of each pair in the order they came, float32 [N]."""
        return np.concatenate(self._values[metric])

    def scores(self) -> dict[str, Score]:
        """The mean over pairs of each metric; where weights are missing, which."""
        return {
            metric: skipped(*self._missing[metric]) if metric in self._missing else self._mean(metric)
            for metric in self.metrics
        }

    def _mean(self, metric: str) -> Score:
        values = self.per_image(metric).astype(np.float64)
        if np.isnan(values).any():
            raise UserError(f"{metric} is NaN for pair {int(np.isnan(values).argmax())}: check its images and weights")
        same = int(np.isinf(values).sum())
        note = f"{same} pairs are identical and left out" if same else ""
        mean = float(values[np.isfinite(values)].mean()) if same < len(values) else float("inf")
        return Score(mean, note, self._distances[metric].record)

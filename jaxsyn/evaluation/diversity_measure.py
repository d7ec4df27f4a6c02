"""How much several images of one input differ: the mean distance of all pairs among them."""

from itertools import combinations

import jax
import numpy as np

from jaxsyn.evaluation.pair_measure import PairMeasure
from jaxsyn.evaluation.score import Score

# Metric -> the distance of a pair.
METRICS = {"l1_diversity": "l1", "lpips_diversity": "lpips"}


class DiversityMeasure:
    """Averages over inputs the mean distance of the S (S - 1) / 2 pairs of an input's samples (as StarGAN v2 does).

    metrics: those of METRICS to report. samples: how many images an input has, S of at least 2.
    """

    def __init__(self, metrics: tuple[str, ...], samples: int, download: bool = False):
        self._metrics, self._samples = metrics, samples
        self._pairs = PairMeasure(tuple(METRICS[metric] for metric in metrics), download)

    def add(self, samples: tuple[jax.Array, ...], mask: np.ndarray) -> None:
        """samples: S of uint8 [B, H, W, 3]; mask: bool [B], False for rows that only pad a batch."""
        for first, second in combinations(samples, 2):
            self._pairs.add(first, second, mask)

    def scores(self) -> dict[str, Score]:
        """One score a metric; where weights are missing, which."""
        found = self._pairs.scores()
        pairs = self._samples * (self._samples - 1) // 2
        record = {"samples_per_input": self._samples, "pairs_per_input": pairs}
        return {metric: self._score(found[METRICS[metric]], record) for metric in self._metrics}

    def _score(self, score: Score, record: dict[str, int]) -> Score:
        note = "the samples of an input are all equal: this model draws nothing" if score.value == 0 else ""
        return score._replace(note=score.note or note, protocol={**score.protocol, **record})

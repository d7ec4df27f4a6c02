"""The images that a report shows."""

import bisect
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from jaxsyn.evaluation.pair_distance import pair_distance


class Exhibit(NamedTuple):
    """One record: its index in the split, the first sample's distance to the truth, its pictures.

    given: label map int [H, W], or the picture that was translated, uint8 [H, W, 3]; real: uint8 [H, W, 3]; samples:
    uint8 [S, H, W, 3], the generated images.
    """

    index: int
    distance: float
    given: np.ndarray
    real: np.ndarray
    samples: np.ndarray


class Gallery:
    """Keeps the first images, and those nearest to and farthest from the truth, of all that are added.

    ranked_by: the name of `distance`, a function of true and generated images, uint8 [B, H, W, 3] each -> [B].
        The default is the mean absolute difference of images in [-1, 1].

    Attributes:
        first, best, worst: `size` each; best begins with the nearest, worst with the farthest.
    """

    def __init__(
        self,
        ranked_by: str = "L1",
        distance: Callable[[jax.Array, jax.Array], jax.Array] | None = None,
        size: int = 8,
    ):
        self.ranked_by = ranked_by
        self._distance = distance or pair_distance("l1").measure
        self._size, self._seen = size, 0
        self.first: list[Exhibit] = []
        self.best: list[Exhibit] = []
        self.worst: list[Exhibit] = []

    def add(self, given: jax.Array, real: jax.Array, samples: tuple[jax.Array, ...], mask: np.ndarray) -> None:
        """given: int32 [B, H, W] or uint8 [B, H, W, 3]; real: uint8 [B, H, W, 3], samples: of that shape, each one.

        mask: bool [B], False for rows that only pad.
        """
        found = process_allgather((self._distance(real, samples[0]), given, real, samples), tiled=True)
        distances, given, real, samples = found
        for i in np.flatnonzero(mask):
            pictures = np.stack([images[i] for images in samples])
            exhibit = Exhibit(self._seen, float(distances[i]), given[i].copy(), real[i].copy(), pictures)
            self._seen += 1
            if len(self.first) < self._size:
                self.first.append(exhibit)
            bisect.insort(self.best, exhibit, key=lambda e: e.distance)
            bisect.insort(self.worst, exhibit, key=lambda e: -e.distance)
            del self.best[self._size :], self.worst[self._size :]

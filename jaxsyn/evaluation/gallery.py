"""The images that a report shows."""

import bisect
from typing import NamedTuple

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from jaxsyn.evaluation.metrics.structural import l1


class Exhibit(NamedTuple):
    """One record: its index in the split, its L1 to the truth (images in [-1, 1]), its pictures.

    label: int [H, W]; real, fake: uint8 [H, W, 3].
    """

    index: int
    l1: float
    label: np.ndarray
    real: np.ndarray
    fake: np.ndarray


class Gallery:
    """Keeps the first images, and those nearest to and farthest from the truth by L1, of all that are added.

    Attributes:
        first, best, worst: `size` each; best begins with the nearest, worst with the farthest.
    """

    def __init__(self, size: int = 8):
        self._size, self._seen = size, 0
        self.first: list[Exhibit] = []
        self.best: list[Exhibit] = []
        self.worst: list[Exhibit] = []

    def add(self, label: jax.Array, real: jax.Array, fake: jax.Array, mask: np.ndarray) -> None:
        """label: int32 [B, H, W]; real, fake: uint8 [B, H, W, 3]; mask: bool [B], False for rows that only pad."""
        distances, label, real, fake = process_allgather((_distances(fake, real), label, real, fake), tiled=True)
        for i in np.flatnonzero(mask):
            exhibit = Exhibit(self._seen, float(distances[i]), label[i].copy(), real[i].copy(), fake[i].copy())
            self._seen += 1
            if len(self.first) < self._size:
                self.first.append(exhibit)
            bisect.insort(self.best, exhibit, key=lambda e: e.l1)
            bisect.insort(self.worst, exhibit, key=lambda e: -e.l1)
            del self.best[self._size :], self.worst[self._size :]


@jax.jit
def _distances(fake: jax.Array, real: jax.Array) -> jax.Array:
    return l1(fake / 127.5, real / 127.5)

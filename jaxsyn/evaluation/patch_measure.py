"""The sliced Wasserstein distance of two sets, gathered batch by batch."""

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics import sliced_wasserstein as swd
from jaxsyn.evaluation.score import Score

PATCHES_PER_IMAGE = 128
REPEATS, DIRECTIONS = 4, 128


class PatchMeasure:
    """Draws patches at every level of each image; they are kept, 75 KB an image and level.

    height, width: of the images, which must halve down to 16 pixels. seed: of the patch positions and directions.
    """

    def __init__(self, height: int, width: int, seed: int = 0):
        self.sizes = swd.pyramid_sizes(height, width)
        self.seed = seed
        self.generators = {side: np.random.default_rng((seed, index)) for index, side in enumerate(("real", "fake"))}
        self.patches: dict[str, list[list[np.ndarray]]] = {side: [[] for _ in self.sizes] for side in ("real", "fake")}

    def add(self, side: str, images: jax.Array, mask: np.ndarray) -> None:
        """images: uint8 [B, H, W, 3] of the "real" or "fake" side; mask: bool [B], False for rows that only pad."""
        kept = np.repeat(np.asarray(mask), PATCHES_PER_IMAGE)
        where = [swd.draw_positions(self.generators[side], len(kept), size) for size in self.sizes]
        for index, patches in enumerate(process_allgather(_cut(images, where), tiled=True)):
            self.patches[side][index].append(patches[kept])

    def scores(self) -> dict[str, Score]:
        """The distance times 1000 at each level, and the mean of the levels."""
        record = {"patches_per_image": PATCHES_PER_IMAGE, "directions": REPEATS * DIRECTIONS, "seed": self.seed}
        distances = {}
        for index, (height, width) in enumerate(self.sizes):
            sides = [np.concatenate(self.patches[side][index]) for side in ("real", "fake")]
            if len(sides[0]) != len(sides[1]):
                images = [len(side) // PATCHES_PER_IMAGE for side in sides]
                raise UserError(f"swd sorts two sets of one size: {images[0]} real and {images[1]} fake images")
            directions = np.random.default_rng((self.seed, 2, index)).standard_normal(
                (REPEATS, sides[0].shape[1], DIRECTIONS), dtype=np.float32
            )
            distance = swd.sliced_wasserstein_on_host(*(swd.standardise(side) for side in sides), directions)
            distances[f"swd_{height}x{width}"] = 1e3 * distance
        distances["swd"] = float(np.mean(list(distances.values())))
        flat = "a colour channel is constant over a whole set, so its patches cannot be standardised"
        return {
            name: Score(value, "times 1000", record) if np.isfinite(value) else Score(None, flat, record)
            for name, value in distances.items()
        }


@jax.jit
def _cut(images: jax.Array, where: list[tuple[np.ndarray, np.ndarray]]) -> list[jax.Array]:
    """Patches at each level of the pyramid, around centres (columns, rows) at each."""
    levels = swd.laplacian_pyramid(images, len(where))
    return [swd.patches(level, *centres) for level, centres in zip(levels, where, strict=True)]

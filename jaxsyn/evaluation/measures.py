"""The measures of one pass over generated images, and which of them a run calls for."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.evaluation.gallery import Gallery
from jaxsyn.evaluation.pair_measure import PairMeasure
from jaxsyn.evaluation.scenes_measure import ScenesMeasure
from jaxsyn.evaluation.score import Score

SMALLEST_SSIM = 11


class Generated(NamedTuple):
    """A batch of the evaluation, on the devices but for the mask.

    batch: as the pipeline makes it. real, fake: true and generated images, uint8 [B, H, W, 3]. mask: bool [B], False
    for rows that only pad the batch.
    """

    batch: Mapping[str, jax.Array]
    real: jax.Array
    fake: jax.Array
    mask: np.ndarray


class Measure(NamedTuple):
    """One accumulator as the evaluator sees it: `add` takes in every batch, `scores` comes at the end."""

    add: Callable[[Generated], None]
    scores: Callable[[], Mapping[str, Score]]


def choose_measures(config: ConfigDict) -> list[Measure]:
    """The measures that apply to a run, with nothing added yet.

    Every source of `jaxsyn.data` has an image to each label map, so pairs are always measured.
    """
    sizes = (config.data.height, config.data.width)
    pairs = PairMeasure(("ssim", "psnr", "l1") if min(sizes) >= SMALLEST_SSIM else ("psnr", "l1"))
    measures = [Measure(lambda g: pairs.add(g.real, g.fake, g.mask), pairs.scores)]
    if config.data.name == "scenes":
        scenes = ScenesMeasure(config.data.num_classes)
        measures.append(Measure(lambda g: scenes.add(g.batch["label"], g.real, g.fake, g.mask), scenes.scores))
    return measures


def exhibit(gallery: Gallery) -> Measure:
    """A gallery among the measures; it has no scores."""
    return Measure(lambda g: gallery.add(g.batch["label"], g.real, g.fake, g.mask), dict)

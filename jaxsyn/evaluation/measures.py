"""The measures of one pass over generated images, and which of them a run calls for."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data import has_label_maps, open_inputs, open_targets, targets_alone
from jaxsyn.data.scenes import DOMAINS
from jaxsyn.errors import UserError
from jaxsyn.evaluation import diversity_measure, inception_measure, pair_distance
from jaxsyn.evaluation.diversity_measure import DiversityMeasure
from jaxsyn.evaluation.domain_measure import DomainMeasure
from jaxsyn.evaluation.gallery import Gallery
from jaxsyn.evaluation.inception import PROTOCOLS
from jaxsyn.evaluation.inception_measure import InceptionMeasure
from jaxsyn.evaluation.metrics.sliced_wasserstein import pyramid_sizes
from jaxsyn.evaluation.pair_distance import PairDistance
from jaxsyn.evaluation.pair_measure import PairMeasure
from jaxsyn.evaluation.patch_measure import PatchMeasure
from jaxsyn.evaluation.real_statistics import real_identity
from jaxsyn.evaluation.scenes_measure import ScenesMeasure
from jaxsyn.evaluation.score import Score
from jaxsyn.evaluation.segmentation_measure import SegmentationMeasure
from jaxsyn.evaluation.segmenters import SEGMENTERS
from jaxsyn.methods import Method

# The names that `config.eval.metrics` takes, in the order of the table.
METRICS = (
    *pair_distance.METRICS,
    "scenes",
    "scenes_domain",
    "segmentation",
    *inception_measure.METRICS,
    "swd",
    *diversity_measure.METRICS,
)
# Measured by eval.py after the pass, on many images made for it; evaluations while training leave it out.
CLASS_DIVERSITY = "class_diversity"


class Generated(NamedTuple):
    """A batch of the evaluation, on the devices but for the mask.

    batch: as the pipeline makes it. real: true images, uint8 [B, H, W, 3] (of unpaired sets, any of the results' side);
    source: the pictures that were translated, likewise, or None. samples: generated ones, as many arrays of that shape
    as an input has samples. mask: bool [B], False for rows that only pad the batch.
    """

    batch: Mapping[str, jax.Array]
    real: jax.Array
    source: jax.Array | None
    samples: tuple[jax.Array, ...]
    mask: np.ndarray

    @property
    def fake(self) -> jax.Array:
        """The first sample, which all metrics but the diversities measure."""
        return self.samples[0]

    @property
    def given(self) -> jax.Array:
        """What the images were made of, for the eye: the source, or the label map."""
        return self.batch["label"] if self.source is None else self.source


class Measure(NamedTuple):
    """One accumulator as the evaluator sees it: `add` takes in every batch, `scores` comes at the end.

    Where `config.eval.reference` is another split than the evaluated one, `add_reference` takes in its images first
    (uint8 [B, H, W, 3], and the mask); None: this measure compares with no set, or has kept what it needs.
    """

    add: Callable[[Generated], None]
    scores: Callable[[], Mapping[str, Score]]
    add_reference: Callable[[jax.Array, np.ndarray], None] | None = None


def choose_measures(config: ConfigDict) -> list[Measure]:
    """The measures of `config.eval.metrics` (empty: all that apply), with nothing added yet.

    Raises:
        UserError: a metric is unknown, or does not apply to the data or its size.
    """
    names = chosen_metrics(config)
    unpaired = config.data.pairing == "unpaired"
    download, data = config.eval.download, config.data
    measures = []
    if paired := tuple(name for name in names if name in pair_distance.METRICS):
        pairs = PairMeasure(paired, download)
        measures.append(Measure(lambda g: pairs.add(g.real, g.fake, g.mask), pairs.scores))
    if "scenes" in names:
        scenes = ScenesMeasure(data.num_classes)
        measures.append(Measure(partial(_add_scenes, scenes, unpaired), scenes.scores))
    if "scenes_domain" in names:
        domains = DomainMeasure(tuple(data.domains) or DOMAINS)
        measures.append(Measure(lambda g: domains.add(g.batch["domain"], g.real, g.fake, g.mask), domains.scores))
    if "segmentation" in names:
        segmented = SegmentationMeasure(SEGMENTERS[data.name], data, download)
        measures.append(Measure(lambda g: segmented.add(g.batch["label"], g.fake, g.mask), segmented.scores))
    if on_inception := tuple(name for name in names if name in inception_measure.METRICS):
        real = real_identity(targets_alone(data), config.eval.reference, reference_images(config))
        inception = InceptionMeasure(on_inception, config.eval.inception_protocol, download=download, real=real)
        measures.append(_on_inception(inception, apart=unpaired or config.eval.reference == "train"))
    if "swd" in names:
        patches = PatchMeasure(data.height, data.width)
        measures.append(Measure(partial(_add_both, patches), patches.scores))
    if diverse := tuple(name for name in names if name in diversity_measure.METRICS):
        diversity = DiversityMeasure(diverse, config.eval.samples_per_input, download)
        measures.append(Measure(lambda g: diversity.add(g.samples, g.mask), diversity.scores))
    return measures


def chosen_metrics(config: ConfigDict) -> tuple[str, ...]:
    """The names in `config.eval.metrics`, or of all metrics that apply; raises UserError as `choose_measures` does.

    A name may be several with commas between, as a command line writes them.
    """
    if config.eval.inception_protocol not in PROTOCOLS:
        raise UserError(f"eval.inception_protocol={config.eval.inception_protocol}: choose from {', '.join(PROTOCOLS)}")
    if config.eval.reference not in ("val", "train"):
        raise UserError(f"eval.reference={config.eval.reference}: set val (the evaluated images) or train")
    names = _named(config)
    if not names:
        return tuple(name for name in METRICS if not _obstacle(name, config))
    for name in names:
        if name not in (*METRICS, CLASS_DIVERSITY):
            known = ", ".join((*METRICS, CLASS_DIVERSITY))
            raise UserError(f"eval.metrics: unknown metric {name}; choose from {known}")
        if obstacle := _obstacle(name, config):
            raise UserError(f"eval.metrics: {obstacle}")
    return names


def _named(config: ConfigDict) -> tuple[str, ...]:
    return tuple(name.strip() for entry in config.eval.metrics for name in entry.split(","))


def measures_class_diversity(method: Method) -> bool:
    """Whether a run calls for it: its config names it, or chooses no metric and the method has latents of classes.

    Raises:
        UserError: it is named, and the method has none, or its images are too small for LPIPS.
    """
    names, data = _named(method.config), method.config.data
    if CLASS_DIVERSITY in names and not method.has_class_latents:
        raise UserError(
            f"eval.metrics: class_diversity changes the latent of one class, and this {method.config.method} has none"
        )
    if CLASS_DIVERSITY in names:
        pair_distance.require_size(("lpips",), data.height, data.width)
        return True
    return not names and method.has_class_latents and not _obstacle("lpips", method.config)


def evaluated_images(config: ConfigDict) -> int:
    """How many inputs one pass takes: `config.eval.num_images`, or all that there are."""
    return min(config.eval.num_images, len(open_inputs(config.data, "val")))


def reference_images(config: ConfigDict) -> int:
    """How many real images the generated ones are compared with as a set: the evaluated ones, or all of another set."""
    if config.eval.reference == "val" and config.data.pairing != "unpaired":
        return evaluated_images(config)
    return len(open_targets(config.data, config.eval.reference))


def exhibit(gallery: Gallery) -> Measure:
    """A gallery among the measures; it has no scores."""
    return Measure(lambda g: gallery.add(g.given, g.real, g.samples, g.mask), dict)


def choose_gallery(config: ConfigDict) -> Gallery:
    """A gallery that ranks images by LPIPS where that is measured and its weights are there, else by L1."""
    if "lpips" in chosen_metrics(config):
        found = pair_distance.pair_distance("lpips", config.eval.download)
        if isinstance(found, PairDistance):
            return Gallery("LPIPS", found.measure)
    return Gallery()


def _add_scenes(measure: ScenesMeasure, unpaired: bool, g: Generated) -> None:
    # The label map of an unpaired set is its source's: that is where it can be found, but not what results look like.
    labelled = g.source if unpaired else g.real
    measure.add(g.batch["label"], labelled, g.fake, g.mask, reference=g.real if unpaired else None)


def _add_both(measure: InceptionMeasure | PatchMeasure, g: Generated) -> None:
    measure.add("real", g.real, g.mask)
    measure.add("fake", g.fake, g.mask)


def _on_inception(measure: InceptionMeasure, *, apart: bool) -> Measure:
    """apart: whether the real images are no part of the batches, and come before."""

    def add(g: Generated) -> None:
        if apart:
            measure.add("fake", g.fake, g.mask)
        else:
            _add_both(measure, g)
        measure.add_samples(g.samples[1:], g.mask)

    reference = partial(measure.add, "real") if apart and measure.needs_real else None
    return Measure(add, measure.scores, reference)


def _obstacle(name: str, config: ConfigDict) -> str:
    """Why a metric does not apply to a run; "" where it does."""
    height, width = config.data.height, config.data.width
    of_size = {
        "swd": partial(pyramid_sizes, height, width),
        **{metric: partial(pair_distance.require_size, (metric,), height, width) for metric in pair_distance.METRICS},
        "lpips_diversity": partial(pair_distance.require_size, ("lpips",), height, width),
    }
    try:
        of_size.get(name, tuple)()
    except UserError as error:
        return str(error)
    if config.data.pairing == "unpaired" and name in (*pair_distance.METRICS, "swd"):
        return f"{name} compares images of pairs or of one order: data.pairing=unpaired"
    if name in (*diversity_measure.METRICS, "cis") and config.eval.samples_per_input < 2:
        return f"{name} compares images of one input: set eval.samples_per_input to at least 2"
    if name in ("scenes", "scenes_domain") and config.data.name != "scenes":
        return f"{name} measures generated scenes: data.name={config.data.name}"
    if name == "scenes_domain" and config.data.pairing != "unpaired":
        return "scenes_domain measures translation between domains: set data.pairing=unpaired"
    if name == "segmentation":
        if not has_label_maps(config.data):
            return f"segmentation needs label maps: data.name={config.data.name} has none"
        segmenter = SEGMENTERS.get(config.data.name)
        if segmenter is None:
            return f"segmentation knows {', '.join(SEGMENTERS)}, not data.name={config.data.name}"
        if height % segmenter.multiple or width % segmenter.multiple:
            return f"{segmenter.name} takes sizes that divide by {segmenter.multiple}, not {width}x{height}"
    return ""

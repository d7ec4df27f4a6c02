"""Measures two folders of images against each other, in one pass over the files."""

import json
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tqdm import tqdm

from jaxsyn.atomic import write_text
from jaxsyn.errors import UserError
from jaxsyn.evaluation import inception_measure, pair_distance
from jaxsyn.evaluation.folders import ImageFolder, require_pairs
from jaxsyn.evaluation.inception_measure import InceptionMeasure
from jaxsyn.evaluation.pair_measure import PairMeasure
from jaxsyn.evaluation.patch_measure import PatchMeasure
from jaxsyn.evaluation.score import Score

# Folders do not tell which images are of one input, as cis needs.
ON_INCEPTION = tuple(metric for metric in inception_measure.METRICS if metric != "cis")
METRICS = (*ON_INCEPTION, "swd", *pair_distance.METRICS)


def compare(
    real: ImageFolder,
    fake: ImageFolder,
    metrics: tuple[str, ...],
    batch_size: int = 32,
    protocol: str = "pytorch_fid",
    download: bool = False,
    seed: int = 2020,
) -> dict[str, Score]:
    """Scores of the fake images against the real ones, in the order asked for.

    metrics: names of METRICS. protocol: how images reach Inception, see `jaxsyn.evaluation.inception`.
    Raises UserError for an unknown metric, for paired metrics on folders that do not pair, and for unreadable files.
    """
    if not metrics:
        raise UserError(f"no metric asked for; choose from {', '.join(METRICS)}")
    unknown = [metric for metric in metrics if metric not in METRICS]
    if unknown:
        raise UserError(f"unknown metric {', '.join(unknown)}; choose from {', '.join(METRICS)}")
    paired = tuple(metric for metric in metrics if metric in pair_distance.METRICS)
    if paired:
        require_pairs(real, fake, list(paired))
        pair_distance.require_size(paired, real.height, real.width)
    on_inception = tuple(metric for metric in metrics if metric in ON_INCEPTION)
    sets: list[InceptionMeasure | PatchMeasure] = []
    if on_inception:
        sets.append(InceptionMeasure(on_inception, protocol, download=download, seed=seed))
    if "swd" in metrics:
        if len(real) != len(fake) or (real.height, real.width) != (fake.height, fake.width):
            raise UserError(
                f"swd compares sets of one count and size: {real.root} has {len(real)} of {real.width}x{real.height}, "
                f"{fake.root} {len(fake)} of {fake.width}x{fake.height}"
            )
        sets.append(PatchMeasure(real.height, real.width, seed))
    pairs = PairMeasure(paired, download) if paired else None

    batch_size = min(batch_size, max(len(real), len(fake)))
    with tqdm(total=len(real) + len(fake), unit="image") as bar:
        for batches in zip_longest(real.batches(batch_size), fake.batches(batch_size)):
            for side, batch in zip(("real", "fake"), batches, strict=True):
                if batch is not None:
                    for measure in sets:
                        measure.add(side, batch.images, batch.mask)
                    bar.update(int(batch.mask.sum()))
            if pairs is not None:
                pairs.add(batches[0].images, batches[1].images, batches[0].mask)

    scores: dict[str, Score] = {}
    for measure in (*sets, *([pairs] if pairs else [])):
        scores |= measure.scores()
    return scores


def describe(real: ImageFolder, fake: ImageFolder, scores: dict[str, Score]) -> dict[str, Any]:
    """What a comparison measured and how, ready for JSON."""
    return {
        name: {"folder": str(folder.root), "images": len(folder), "height": folder.height, "width": folder.width}
        for name, folder in (("real", real), ("fake", fake))
    } | {"scores": {name: score._asdict() | {"protocol": dict(score.protocol)} for name, score in scores.items()}}


def write_json(path: str | Path, description: dict[str, Any]) -> None:
    """Writes a description; infinite values, which JSON lacks, become text."""
    for score in description["scores"].values():
        if score["value"] is not None and abs(score["value"]) == float("inf"):
            score["value"] = str(score["value"])
    write_text(path, json.dumps(description, indent=2, allow_nan=False) + "\n")

"""What a data set is checked for before the first step of training."""

import concurrent.futures
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from jaxsyn.data.bad_records import tolerance
from jaxsyn.data.classes import num_label_classes
from jaxsyn.data.derived import derived_maps
from jaxsyn.data.files import PairedFiles
from jaxsyn.data.label_ids import LabelIdError
from jaxsyn.data.picture_files import PictureFiles
from jaxsyn.data.pipeline import preprocess
from jaxsyn.data.sources import (
    domain_folders_beside,
    has_domains,
    left_out,
    open_domains,
    open_inputs,
    open_source,
    open_targets,
)
from jaxsyn.errors import UserError

# Problems that are printed before training; a set may hold thousands.
_TOLD = 20


class Examined(NamedTuple):
    """One record: its size in pixels, the pixels of each class `[num_label_classes]` if it was decoded, its problem,
    the ids outside the classes where they are the problem, and whether it has an EXIF orientation that is not applied.
    """

    index: int
    size: tuple[int, int] | None = None
    pixels: np.ndarray | None = None
    problem: str | None = None
    outside: tuple[int, ...] = ()
    oriented: bool = False


def check_source(data: ConfigDict, split: str = "train") -> None:
    """Checks the "train" or "val" records of `config.data` as far as is quick.

    Every file's header (readable, one id a pixel, equal sizes, fit for data.preprocess), and data.check_records records
    spread evenly over the split in full (truncation, ids outside the classes). Raises UserError for the first problem;
    the remaining records are checked in full as training reads them, with the same messages. With
    data.on_bad_record=skip the problems are printed, and are an error where they are more than data.max_bad_share.
    """
    allowed, problems, total = tolerance(data, split), [], 0
    for source in sources_of(data, split).values():
        problems += left_out(source)
        total += len(source) + len(left_out(source))
        for examined in examine(source, data, split):
            if examined.problem and not allowed.skip:
                raise UserError(f"{examined.problem} (list all: `python -m jaxsyn.data inspect`)")
            if examined.problem:
                problems.append(examined.problem)
    allowed.check(problems, total)
    for problem in problems[:_TOLD]:
        print(f"skipping: {problem}")
    if problems:
        print(f"skipping {len(problems)} bad records of {total}; `python -m jaxsyn.data inspect` lists all")


def sources_of(data: ConfigDict, split: str) -> dict[str, Sequence[dict]]:
    """What a split is made of by name: one source, or for unpaired sets that of each side or domain."""
    if data.attributes:
        beside = sources_of(domain_folders_beside(data), split) if data.domains else {}
        return {"attributed": open_inputs(data, split), **beside}
    if has_domains(data):
        return dict(zip(data.domains, open_domains(data, split), strict=True))
    if data.pairing == "unpaired":
        return {"source": open_inputs(data, split), "target": open_targets(data, split)}
    return {"": open_source(data, split)}


def is_made_of_files(source: Sequence[dict]) -> bool:
    """Whether the records of an opened source are image files, which have headers to look at."""
    return isinstance(source, PairedFiles | PictureFiles)


def spread(count: int, total: int) -> np.ndarray:
    """`count` indices (all, where there are fewer) spread evenly over `total` records."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))


def examine(source: Sequence[dict], data: ConfigDict, split: str, sample: int | None = None) -> Iterator[Examined]:
    """Examines the records of an opened source in order, as `check_source` describes, with a bar where it takes long.

    Records of a source without files are only looked at in full, so that those not in the sample are left out.

    Args:
        sample: how many records are read in full; data.check_records by default.
    """
    geometry = preprocess(data)
    fit = geometry.resized_size if split == "train" else geometry.evaluation_size
    in_full = set(spread(data.check_records if sample is None else sample, len(source)).tolist())
    has_files = is_made_of_files(source)
    classes = num_label_classes(data)
    # Positions and sketches cannot go wrong, and take their time.
    derived = derived_maps(data)._replace(positions=False, sketch=False)

    def one(index: int) -> Examined:
        size, pixels, oriented = None, None, False
        try:
            if has_files:
                header = source.check_header(index)
                size, oriented = header.size, header.orientation != 1
                fit(*size, source.path(index))
            if index in in_full:
                record = derived.add(source[index])
                size = record["image"].shape[:2]
                # A set without label maps has pixels of no class.
                pixels = np.bincount(record["label"].ravel() if "label" in record else [], minlength=classes)
                fit(*size, record["name"])
        except LabelIdError as error:
            return Examined(index, size, pixels, str(error), error.outside)
        except UserError as error:
            return Examined(index, size, pixels, str(error))
        return Examined(index, size, pixels, oriented=oriented)

    indices = range(len(source)) if has_files else sorted(in_full)
    threads = concurrent.futures.ThreadPoolExecutor(min(16, 2 * (os.cpu_count() or 1)))
    try:
        yield from tqdm(
            threads.map(one, indices), total=len(indices), desc=f"checking {split} data", delay=2, leave=False
        )
    finally:
        threads.shutdown(cancel_futures=True)

"""Records that cannot be read: what stops training, and what is left out of it."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from jaxsyn.errors import UserError

POLICIES = ("error", "skip")
# What `inspect` sets instead: nothing stops, whatever the split.
COLLECT = "collect"
_INSPECT = "`python -m jaxsyn.data inspect` lists all"
# Records drawn in the place of one before the set is given up; with half of them bad, one set in 10^30 is given up.
_ATTEMPTS = 100


class Tolerance(NamedTuple):
    """What to do about bad records: stop at the first, or leave out up to a share of the set's."""

    skip: bool
    max_share: float

    def check(self, problems: Sequence[str], total: int) -> None:
        """Raises UserError where `problems`, one line each, among `total` records are not to be borne."""
        if problems and not self.skip:
            more = f" (and {len(problems) - 1} more: {_INSPECT})" if len(problems) > 1 else ""
            raise UserError(problems[0] + more)
        if len(problems) > self.max_share * total:
            raise UserError(
                f"{len(problems)} of {total} records are bad, more than data.max_bad_share={self.max_share:g}: "
                f"mend them or raise it; {_INSPECT}; the last: {problems[-1]}"
            )


def tolerance(data: ConfigDict, split: str) -> Tolerance:
    """What `config.data` asks for of the split "train" or "val", of which no record may be bad.

    Raises UserError for impossible values.
    """
    if data.on_bad_record == COLLECT:
        return Tolerance(skip=True, max_share=1.0)
    if data.on_bad_record not in POLICIES:
        raise UserError(f"data.on_bad_record={data.on_bad_record}: choose one of {', '.join(POLICIES)}")
    if not 0 <= data.max_bad_share <= 1:
        raise UserError(f"data.max_bad_share={data.max_bad_share}: set the share of records, 0 to 1")
    return Tolerance(data.on_bad_record == "skip" and split == "train", data.max_bad_share)


def sound_record(make: Callable[[int], dict], index: int, count: int, rng: np.random.Generator) -> dict:
    """`make(index)`, or of another one of `count` records, drawn from `rng`, where that one is bad.

    Its "skipped" is one line for each bad record that was tried. Raises UserError where nothing but bad ones is drawn.
    """
    skipped: list[str] = []
    for _ in range(_ATTEMPTS):
        try:
            return {**make(index), "skipped": "\n".join(skipped)}
        except UserError as error:
            skipped.append(str(error))
        index = int(rng.integers(count))
    raise UserError(f"{_ATTEMPTS} bad records and no other were drawn; the first: {skipped[0]}; {_INSPECT}")


def all_skipped(*records: dict) -> str:
    """The "skipped" of a record that is made of several."""
    return "\n".join(filter(None, (record.get("skipped", "") for record in records)))


class SkippedRecords:
    """The bad records that training has left out, each told once.

    They are found in the order of the batches, so that when training stops over them depends on no worker.
    """

    def __init__(self) -> None:
        self._problems: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._problems)

    def note(self, skipped: Iterable[str], allowed: Tolerance, total: int) -> None:
        """Adds the "skipped" of a batch's records. Raises UserError where they become too many of `total`."""
        for line in "\n".join(filter(None, skipped)).splitlines():
            if line in self._problems:
                continue
            self._problems[line] = None
            allowed.check(list(self._problems), total)
            tqdm.write(f"skipped bad record {len(self)} of {total}: {line}", file=sys.stderr)

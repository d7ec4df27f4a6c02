"""One number of a report and how far to trust it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Score(NamedTuple):
    """A measured value.

    value: the number, None where it could not be had.
    note: what to know when comparing it, or why it is missing.
    protocol: what it was measured with: weights and their hashes, subsets, seeds.
    missing: of each file of weights that it lacks, a line that tells from where to get it and where to put it.
    """

    value: float | None
    note: str = ""
    protocol: Mapping[str, Any] = MappingProxyType({})
    missing: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """The note, and the lines on missing files after it."""
        return "; ".join(part for part in (self.note, *self.missing) if part)


def format_table(scores: Mapping[str, Score]) -> str:
    """Names, values and notes in columns; below them each missing file once, however many scores lack it."""
    width = max(map(len, scores), default=0)
    lines = []
    for name, score in scores.items():
        value = "-" if score.value is None else f"{score.value:.5g}"
        lines.append(f"  {name:<{width}}  {value:>10}  {score.note}".rstrip())
    return "\n".join([*lines, *dict.fromkeys(line for score in scores.values() for line in score.missing)])

"""One number of a report and how far to trust it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Score(NamedTuple):
    """A measured value.

    value: the number, None where it could not be had.
    note: what to know when comparing it, or why it is missing.
    protocol: what it was measured with: weights and their hashes, subsets, seeds.
    """

    value: float | None
    note: str = ""
    protocol: Mapping[str, Any] = MappingProxyType({})

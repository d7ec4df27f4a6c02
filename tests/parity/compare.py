"""How near our results are to a reference case's."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.parity.adapter import Results
from tests.parity.case import Case

# A gradient adds up the rounding of a whole forward and backward pass.
GRADIENT = re.compile(r"(^|/)grad(ient)?_")
GRADIENT_FACTOR = 10
# A reference of zero has no relative error: this stands for its size.
ZERO = 1e-7
SIZE_OF_ZERO = 1e-2


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One result's relative error, the error that is allowed, and what else is to be said of it."""

    name: str
    error: float
    tolerance: float
    remark: str = ""

    @property
    def ok(self) -> bool:
        return self.error <= self.tolerance

    @property
    def excess(self) -> float:
        """The error in units of what is allowed."""
        return self.error / max(self.tolerance, 1e-30)


def compare(case: Case, results: Results, tolerance: float) -> list[Comparison]:
    """One comparison for each output and scalar of the case, and one for each that should not be there."""
    allowed = _allowed(case, results, tolerance)
    comparisons = []
    for kind, ours, reference in (
        ("output", results.outputs, case.outputs),
        ("scalar", results.scalars, case.scalars),
    ):
        for name in (*reference, *(name for name in ours if name not in reference)):
            usual = GRADIENT_FACTOR * tolerance if kind == "scalar" and GRADIENT.search(name) else tolerance
            comparisons.append(_comparison(kind, name, ours, reference, allowed.get(name, usual)))
    return comparisons


def relative_error(ours: Any, reference: Any) -> float:
    """max|ours - reference| / max|reference|; for integers the share of entries that differ."""
    ours, reference = np.asarray(ours), np.asarray(reference)
    if reference.size == 0:
        return 0.0
    if reference.dtype.kind in "iub":
        return float(np.mean(ours != reference))
    size = float(np.abs(reference).max())
    difference = np.abs(ours.astype(np.float64) - reference.astype(np.float64)).max()
    return float(difference) / (size if size > ZERO else SIZE_OF_ZERO)


def _comparison(
    kind: str, name: str, ours: Mapping[str, Any], reference: Mapping[str, Any], limit: float
) -> Comparison:
    if name not in ours:
        return Comparison(name, math.inf, limit, f"{kind} is missing from our results")
    if name not in reference:
        return Comparison(name, math.inf, limit, f"{kind} is not in the case")
    value, expected = np.asarray(ours[name]), np.asarray(reference[name])
    if value.shape != expected.shape:
        return Comparison(
            name, math.inf, limit, f"shape {list(value.shape)}, the reference's is {list(expected.shape)}"
        )
    if not np.isfinite(value).all():
        return Comparison(name, math.inf, limit, "holds NaN or infinity")
    if kind == "scalar":
        expected = expected.astype(np.float64)
    return Comparison(name, relative_error(value, expected), limit)


def _allowed(case: Case, results: Results, tolerance: float) -> dict[str, float]:
    named = {float(figure) for figure in re.findall(r"\d+(?:\.\d+)?e-\d+", case.notes)}
    for name, figure in results.tolerances.items():
        if figure not in named:
            raise ValueError(f"the adapter allows {figure:g} for {name}, a figure that the case's notes do not name")
        if name not in case.outputs and name not in case.scalars:
            raise ValueError(f"the adapter allows {figure:g} for {name}, which the case does not have")
    return {name: max(figure, tolerance) for name, figure in results.tolerances.items()}

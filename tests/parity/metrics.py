"""Our values for the cases of `metrics`: the networks by which results are measured, and the measures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.parity import metrics_arrays, metrics_features, metrics_networks, metrics_templates
from tests.parity.adapter import Results, Template
from tests.parity.case import Case

RUNNERS = metrics_arrays.RUNNERS | metrics_features.RUNNERS | metrics_networks.RUNNERS


def templates(config: dict[str, Any]) -> Mapping[str, Template]:
    return metrics_templates.Templates(config)


def run(case: Case, variables: dict[str, Any]) -> Results:
    # A case's kind is its name, or begins it: `lpips_alex`, `fid_singular`.
    kinds = [kind for kind in RUNNERS if case.case == kind or case.case.startswith(f"{kind}_")]
    if not kinds:
        raise ValueError(f"no metric for the case {case.case}; known are {', '.join(RUNNERS)}")
    values = RUNNERS[max(kinds, key=len)](case, variables)
    outputs = {name: np.asarray(value) for name, value in values.items() if name in case.outputs}
    # Where a name is both, the output is per image and the scalar its mean.
    scalars = {name: float(np.mean(value)) for name, value in values.items() if name in case.scalars}
    return Results(outputs, scalars)

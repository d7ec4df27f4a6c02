"""Checks one reference case: builds the networks, imports the case's state, runs, compares."""

import dataclasses
import math
import traceback
from pathlib import Path

import jax
import numpy as np

from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import COUNT, expected_shapes, from_state_dict, to_state_dict
from tests.parity.adapter import Results, Template, find_adapter
from tests.parity.case import Case, load_case
from tests.parity.compare import compare

TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Attributes:
        worst: the relative error of the result that is furthest from right, measured by its own tolerance.
        what: that result, or why the case could not be compared.
        details: lines for the reader who asks: every result's error, or a traceback.
    """

    name: str
    ok: bool
    worst: float
    what: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {'ok' if self.ok else 'FAIL'} worst={self.worst:.1e} ({self.what})"


def check(path: str | Path, tolerance: float = TOLERANCE) -> Verdict:
    """Runs the case or manifest at `path`; whatever goes wrong in it is a verdict, not an exception."""
    name = Path(path).name.removesuffix(".json")
    try:
        case = load_case(path)
        name = case.name
        if case.is_manifest:
            return _check_manifest(case)
        with jax.default_matmul_precision("highest"):
            return _judge(case, _run(case), tolerance)
    except Exception as error:
        text = (str(error).strip().splitlines() or ["no message"])[0]
        what = text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
        return Verdict(name, False, math.inf, what, tuple(traceback.format_exc().splitlines()))


def _run(case: Case) -> Results:
    adapter = find_adapter(case.method)
    variables = {}
    for network, template in _templates(case).items():
        state = case.state(network)
        variables[network] = from_state_dict(state, template.variables, template.rules, source=network)
        _require_round_trip(network, state, variables[network], template)
    return adapter.run(case, variables)


def _check_manifest(case: Case) -> Verdict:
    templates = _templates(case)
    for network, template in templates.items():
        ours, theirs = expected_shapes(template.variables, template.rules), case.shapes(network)
        faults = [f"{name} is missing" for name in theirs if name not in ours and not name.endswith(COUNT)]
        faults += [f"{name} is not in the manifest" for name in ours if name not in theirs]
        faults += [
            f"{name} is {list(shape)}, the manifest's is {list(theirs[name])}"
            for name, shape in ours.items()
            if theirs.get(name, shape) != shape
        ]
        if faults:
            what = f"{network}: {len(faults)} entries do not fit: {faults[0]}"
            return Verdict(case.name, False, math.inf, what, tuple(faults))
    counted = ", ".join(f"{name} {case.networks[name]['parameters']:,}" for name in templates)
    return Verdict(case.name, True, 0.0, f"parameters: {counted}")


def _templates(case: Case) -> dict[str, Template]:
    known = find_adapter(case.method).templates(case.config)
    unknown = [network for network in case.networks if network not in known]
    if unknown:
        raise UserError(f"the adapter makes no {', '.join(unknown)}; it makes {', '.join(known)}")
    templates = {network: known[network] for network in case.networks}
    for network, template in templates.items():
        count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(template.variables.get("params", {})))
        if count != case.networks[network]["parameters"]:
            raise UserError(f"{network} has {count:,} parameters, not {case.networks[network]['parameters']:,}")
    return templates


def _require_round_trip(network: str, state: dict[str, np.ndarray], variables: dict, template: Template) -> None:
    exported = to_state_dict(variables, template.rules)
    for name, array in state.items():
        ignored = name.endswith(COUNT) and name not in exported
        if not ignored and not np.array_equal(exported[name], array):
            raise UserError(f"{network}: {name} changes on its way in and out")


def _judge(case: Case, results: Results, tolerance: float) -> Verdict:
    comparisons = compare(case, results, tolerance)
    if not comparisons:
        raise UserError("the case has neither outputs nor scalars")
    worst = max(comparisons, key=lambda comparison: comparison.excess)
    failed = sum(not comparison.ok for comparison in comparisons)
    what = ": ".join(filter(None, (worst.name, worst.remark)))
    if failed > 1:
        what += f"; {failed} of {len(comparisons)} results fail"
    details = tuple(
        f"{'ok  ' if c.ok else 'FAIL'} {c.error:.1e} of {c.tolerance:.0e} {c.name} {c.remark}".rstrip()
        for c in sorted(comparisons, key=lambda comparison: -comparison.excess)
    )
    return Verdict(case.name, not failed, worst.error, what, details)

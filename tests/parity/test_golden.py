"""The reference cases kept here; those of a folder too, where JAXSYN_GOLDEN names one."""

import os
from pathlib import Path

import pytest

from tests.parity.runner import check

KEPT = Path(__file__).parent / "golden"
ROOTS = [KEPT, *(Path(root) for root in [os.environ.get("JAXSYN_GOLDEN")] if root)]
CASES = [(root, path) for root in ROOTS for path in sorted(root.rglob("*.json"))]


@pytest.mark.parametrize("path", [path for _, path in CASES], ids=[str(path.relative_to(root)) for root, path in CASES])
def test_our_numbers_are_the_reference_numbers(path: Path) -> None:
    verdict = check(path)
    assert verdict.ok, "\n".join((str(verdict), *verdict.details))

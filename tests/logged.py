"""What a run has logged."""

import json
from pathlib import Path

from jaxsyn.training.meters import MEASURED
from jaxsyn.training.workdir import METRICS


def entries(workdir: Path) -> list[dict]:
    """Every line of metrics.jsonl, but for one that is being written."""
    return [json.loads(line) for line in (workdir / METRICS).read_text().split("\n")[:-1]]


def terms(workdir: Path) -> list[dict]:
    """The same without times and other costs: what runs of one config have in common, bit for bit."""
    return [
        {name: value for name, value in entry.items() if not name.startswith(MEASURED)} for entry in entries(workdir)
    ]

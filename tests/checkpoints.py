"""Do files of the authors' state dicts at the paper's size come in, and go out as they were?

    python -m tests.checkpoints ../shared/golden/spade/*.manifest.json [--suffix .pth]

Each network of a manifest is filled by the weight rule, written to a file, read, imported, exported and compared with
what was written, bit for bit. One line a network; exit status 1 if any differs.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from jaxsyn.interop.files import read_state_dict, write_state_dict
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from tests.parity.adapter import Template, find_adapter
from tests.parity.case import load_case
from tests.parity.weight_rule import fill

COUNT = "num_batches_tracked"


def filled(entry: dict[str, Any]) -> np.ndarray:
    """The array of a manifest's entry."""
    if entry["role"] == COUNT:
        return np.zeros((), np.int64)
    # The rule leaves out the vectors of spectral normalisation, which cases store; here any will do.
    role = "vector" if entry["role"].startswith("spectral_") else entry["role"]
    return fill(entry["name"], entry["shape"], role, 0)


def differences(state: dict[str, np.ndarray], template: Template, path: Path) -> list[str]:
    """The entries that are not the same after their way through a file and our variables."""
    write_state_dict(path, state)
    variables = from_state_dict(read_state_dict(path), template.variables, template.rules, source=str(path))
    again = to_state_dict(variables, template.rules)
    return [
        name
        for name in state.keys() | again.keys()
        if not name.endswith(COUNT)
        and not (name in state and name in again and np.array_equal(state[name], again[name]))
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="+", type=Path, metavar="NAME.manifest.json")
    parser.add_argument("--suffix", default=".pth", help="of the file: .pth, .safetensors or .npz")
    arguments, failed = parser.parse_args(), 0
    for manifest in arguments.manifests:
        case = load_case(manifest)
        templates = find_adapter(case.method).templates(case.config)
        for name, network in case.networks.items():
            state = {entry["name"]: filled(entry) for entry in network["state"]}
            with tempfile.TemporaryDirectory() as folder:
                differing = differences(state, templates[name], Path(folder) / f"weights{arguments.suffix}")
            failed += bool(differing)
            print(f"{case.name} {name} {f'FAIL {differing[:3]}' if differing else 'ok'}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

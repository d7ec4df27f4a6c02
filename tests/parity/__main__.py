"""Compares our networks with what the authors' own implementations compute.

    python -m tests.parity [--tolerance 1e-4] [--verbose] CASE.json|DIRECTORY ...

Prints one line a case, `CASE ok|FAIL worst=1.2e-06 (what)`, and exits with 1 where any fails. A directory stands for
all the cases below it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import jax

from tests.parity.runner import TOLERANCE, check


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description="Compares with reference cases.")
    parser.add_argument("paths", nargs="+", type=Path, metavar="CASE.json", help="a case, a manifest or a directory")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="relative error that is right (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="every result's error; tracebacks")
    options = parser.parse_args(arguments)
    cases = [case for path in options.paths for case in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
    if not cases:
        parser.error("no cases in " + ", ".join(map(str, options.paths)))
    failed = 0
    for path in cases:
        verdict = check(path, options.tolerance)
        failed += not verdict.ok
        print(verdict, flush=True)
        if options.verbose:
            print(*(f"    {line}" for line in verdict.details), sep="\n", flush=True)
        # Each case compiles for its own shapes: what it leaves behind serves no other.
        jax.clear_caches()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

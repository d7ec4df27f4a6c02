"""What the commands that compare two programs share: --repeats, --json, and how figures are told."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

from jaxsyn import cli
from jaxsyn.atomic import write_text
from jaxsyn.errors import UserError

Figures = Mapping[str, Any]


def run(measure: Callable[[flags.FlagValues], Figures], table: Callable[[Figures], str], *, repeats: int) -> None:
    """Runs a command whose own flags are defined already: prints the table of its figures, and writes them to --json.

    A benchmark's flags are defined where it runs, so that its programs can be had without them.

    Args:
        repeats: pairs of runs where --repeats says no other number.
    """
    flags.DEFINE_integer("repeats", repeats, "Pairs of runs.", lower_bound=1)
    flags.DEFINE_string("json", None, "File to write the figures to.")

    def main(arguments: list[str]) -> None:
        if arguments:
            raise UserError(f"unknown arguments: {' '.join(arguments)}")
        figures = measure(flags.FLAGS)
        print(table(figures))
        if flags.FLAGS.json:
            write_text(flags.FLAGS.json, json.dumps(figures, indent=1) + "\n")

    cli.run(main)

"""Evaluates a run.

python eval.py --config configs/METHOD.py[:PRESET] --workdir DIR [--step N] [--config.KEY=VALUE ...]
"""

import sys

from absl import app, flags, logging
from ml_collections import config_flags

from jaxsyn.errors import UserError
from jaxsyn.evaluation.command import evaluate_run

CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe that the run was trained with.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
STEP = flags.DEFINE_integer("step", None, "Step of the checkpoint; the newest one if not given.")
flags.mark_flags_as_required(["config", "workdir"])


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if len(arguments) > 1:
        raise app.UsageError(f"unknown arguments: {' '.join(arguments[1:])}")
    logging.set_verbosity(logging.WARNING)  # the checkpoint library tells every file it touches
    try:
        evaluate_run(CONFIG.value, WORKDIR.value, STEP.value)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)

"""Trains a method: python train.py --config configs/METHOD.py[:PRESET] --workdir DIR [--config.KEY=VALUE ...]."""

import sys

from absl import app, flags, logging
from ml_collections import config_flags

from jaxsyn.errors import UserError
from jaxsyn.evaluation.evaluator import evaluate_in_training
from jaxsyn.training.compilation import keep_compiled_programs
from jaxsyn.training.loop import train

CONFIG = config_flags.DEFINE_config_file("config", None, "Recipe: configs/METHOD.py or configs/METHOD.py:PRESET.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run; training twice in the same one resumes.")
flags.mark_flags_as_required(["config", "workdir"])


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if len(arguments) > 1:
        raise app.UsageError(f"unknown arguments: {' '.join(arguments[1:])}")
    logging.set_verbosity(logging.WARNING)  # the checkpoint library tells every file it touches
    keep_compiled_programs()
    try:
        train(CONFIG.value, WORKDIR.value, evaluate_in_training)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)

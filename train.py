"""Trains a method: python train.py --config configs/METHOD.py[:PRESET] --workdir DIR [--config.KEY=VALUE ...]."""

from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.errors import UserError
from jaxsyn.evaluation.evaluator import evaluate_in_training
from jaxsyn.training.compilation import keep_compiled_programs
from jaxsyn.training.loop import train

CONFIG = config_flags.DEFINE_config_file("config", None, "Recipe: configs/METHOD.py or configs/METHOD.py:PRESET.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run; training twice in the same one resumes.")


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    keep_compiled_programs()
    train(CONFIG.value, WORKDIR.value, evaluate_in_training)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

"""Trains a method: python train.py --config configs/METHOD.py[:PRESET] --workdir DIR [--config.KEY=VALUE ...]."""

from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.errors import UserError
from jaxsyn.evaluation.evaluator import evaluate_in_training
from jaxsyn.training.compilation import keep_compiled_programs
from jaxsyn.training.launch import define_flags, join_processes
from jaxsyn.training.loop import train

CONFIG = config_flags.DEFINE_config_file("config", None, "Recipe: configs/METHOD.py or configs/METHOD.py:PRESET.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run; training twice in the same one resumes.")
ACCEPT = flags.DEFINE_bool("accept_changes", False, "Go on with a recipe that changed since the run began.")
define_flags()


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    join_processes()
    keep_compiled_programs()
    train(CONFIG.value, WORKDIR.value, evaluate_in_training, accept_changes=ACCEPT.value)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

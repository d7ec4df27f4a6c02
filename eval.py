"""Evaluates a run: python eval.py --config configs/METHOD.py[:PRESET] --workdir DIR [--config.KEY=VALUE ...]."""

from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.errors import UserError
from jaxsyn.evaluation.command import evaluate_run
from jaxsyn.training.compilation import keep_compiled_programs
from jaxsyn.training.launch import define_flags, join_processes

CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe that the run was trained with.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
STEP = flags.DEFINE_integer("step", None, "Step of the checkpoint; the newest one if not given.")
define_flags()


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    join_processes()
    keep_compiled_programs()
    evaluate_run(CONFIG.value, WORKDIR.value, STEP.value)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

"""The mean style code of each class over a data set, which SEAN gives to regions that a style image lacks.

    python -m jaxsyn.evaluation.mean_style --config configs/sean.py[:PRESET] --workdir DIR [--output FILE.npz]

The file holds `mean_style` float32 [K, S], which `Sean.generate` takes under that name, and `count` int32 [K], the
images that have the class; without any, its code is zero.
"""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.atomic import write_arrays
from jaxsyn.data import eval_batches
from jaxsyn.errors import UserError
from jaxsyn.methods.sean import Sean
from jaxsyn.training.runs import Run, restore_run
from jaxsyn.training.state import TrainState, inference_nets

CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe that the run was trained with.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
OUTPUT = flags.DEFINE_string("output", None, "File to write; WORKDIR/mean_style.npz by default.")
SPLIT = flags.DEFINE_enum("split", "train", ["train", "val"], "Which images.")
LIMIT = flags.DEFINE_integer("limit", None, "The first images only.", lower_bound=1)


class MeanStyle(NamedTuple):
    """Mean codes float32 [K, S], and in how many images each class has one, int32 [K]."""

    codes: np.ndarray
    count: np.ndarray


def mean_style(run: Run, state: TrainState, split: str = "train", limit: int | None = None) -> MeanStyle:
    """Plain means over the images that have the class, whatever its area in them, as SEAN's authors take them.

    Raises:
        UserError: the run's method has no style codes, or the data is bad.
    """
    method, config = run.method, run.config
    if not isinstance(method, Sean):
        raise UserError(f"config.method = {config.method!r} has no style codes of regions; give a run of sean")

    @jax.jit
    def totals(state: TrainState, batch: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        nets = inference_nets(method, state, use_ema=config.eval.use_ema)
        codes = method.style_codes(nets, batch["image"], method.label_map(batch))
        codes *= batch["mask"][:, None, None]
        return codes.sum(0), (codes != 0).any(-1).sum(0)

    total, count = 0.0, 0
    for batch in eval_batches(config, split, batch_size=config.eval.batch_size, limit=limit):
        codes, present = totals(state, {name: array for name, array in batch.items() if name != "name"})
        total, count = total + np.asarray(codes, np.float64), count + np.asarray(present)
    return MeanStyle((total / np.maximum(count, 1)[:, None]).astype(np.float32), np.asarray(count, np.int32))


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    run, state = restore_run(CONFIG.value, WORKDIR.value)
    codes, count = mean_style(run, state, SPLIT.value, LIMIT.value)
    path = Path(OUTPUT.value or Path(WORKDIR.value) / "mean_style.npz")
    write_arrays(path, {"mean_style": codes, "count": count})
    print(f"{path}: {(count > 0).sum()} of {len(count)} classes have a mean style")


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

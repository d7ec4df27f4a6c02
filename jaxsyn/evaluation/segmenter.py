"""Measures a trained segmenter on real scenes and makes it the packaged judge.

python -m jaxsyn.evaluation.segmenter --workdir DIR
"""

from pathlib import Path

import jax
import numpy as np
from absl import flags
from ml_collections import ConfigDict

from jaxsyn import cli
from jaxsyn.data import eval_batches
from jaxsyn.data.scenes import DOMAINS
from jaxsyn.errors import UserError
from jaxsyn.evaluation.judge import WEIGHTS, Judge, load_judge, package_judge
from jaxsyn.evaluation.metrics.segmentation import confusion_matrix, mean_iou, pixel_accuracy

SIZES = (64, 96, 128)
SCENES, BATCH_SIZE = 200, 20

_WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run that configs/segmenter.py trained.")


def confusion_on_scenes(judge: Judge, config: ConfigDict, size: int, domain: str) -> np.ndarray:
    """Confusion matrix int64 [12, 12] over the first validation scenes of a size and domain."""
    scenes = config.copy_and_resolve_references()
    scenes.data.height = scenes.data.width = size
    scenes.data.domain = domain

    @jax.jit
    def confusion(image: jax.Array, label: jax.Array) -> jax.Array:
        logits, _ = judge.network.apply(judge.variables, image)
        return confusion_matrix(label, logits.argmax(-1), judge.network.num_classes)

    batches = eval_batches(scenes, batch_size=BATCH_SIZE, limit=SCENES)
    return sum(np.asarray(confusion(batch["image"], batch["label"]), np.int64) for batch in batches)


def package(workdir: Path) -> None:
    """Writes the weights of the newest checkpoint to the package, and prints what they are worth as they lie there.

    Raises:
        UserError: `workdir` holds no run of the segmenter.
    """
    config = package_judge(workdir, "segmenter", "segmenter", WEIGHTS)
    judge = load_judge()
    print(f"{'scenes':<16} {'mIoU':>7} {'accuracy':>9}")
    for size in SIZES:
        for domain in DOMAINS:
            total = confusion_on_scenes(judge, config, size, domain)
            print(f"{f'{size}x{size} {domain}':<16} {mean_iou(total):7.4f} {pixel_accuracy(total):9.4f}", flush=True)


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    package(Path(_WORKDIR.value))


if __name__ == "__main__":
    flags.mark_flag_as_required("workdir")
    cli.run(main)

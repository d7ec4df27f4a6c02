"""Measures a trained classifier of domains on real scenes and makes it the packaged judge.

python -m jaxsyn.evaluation.domain_classifier --workdir DIR
"""

from pathlib import Path

import jax
import numpy as np
from absl import flags
from ml_collections import ConfigDict

from jaxsyn import cli
from jaxsyn.data import eval_batches
from jaxsyn.errors import UserError
from jaxsyn.evaluation.judge import DOMAIN_WEIGHTS, Judge, load_domain_judge, package_judge

SIZES = (64, 96, 128)
SCENES, BATCH_SIZE = 200, 20

_WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run that configs/domain_classifier.py trained.")


def domain_accuracies(judge: Judge, config: ConfigDict, size: int) -> np.ndarray:
    """Share of each domain's validation scenes of a size that the judge names rightly, [domains]."""
    scenes = config.copy_and_resolve_references()
    scenes.data.height = scenes.data.width = size
    count = len(config.data.domains)
    right, seen = np.zeros(count), np.zeros(count)
    apply = jax.jit(judge.network.apply)
    for batch in eval_batches(scenes, batch_size=BATCH_SIZE, limit=count * SCENES):
        named = np.asarray(apply(judge.variables, batch["image"]).argmax(-1))
        right += np.bincount(batch["domain"][named == batch["domain"]], minlength=count)
        seen += np.bincount(batch["domain"], minlength=count)
    return right / seen


def package(workdir: Path) -> None:
    """Writes the weights of the newest checkpoint to the package, and prints what they are worth as they lie there.

    Raises:
        UserError: `workdir` holds no run of the classifier.
    """
    config = package_judge(workdir, "domain_classifier", "classifier", DOMAIN_WEIGHTS)
    judge = load_domain_judge()
    for size in SIZES:
        shares = zip(config.data.domains, domain_accuracies(judge, config, size), strict=True)
        print(f"{size}x{size}: " + ", ".join(f"{domain} {share:.3f}" for domain, share in shares), flush=True)


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    package(Path(_WORKDIR.value))


if __name__ == "__main__":
    flags.mark_flag_as_required("workdir")
    cli.run(main)

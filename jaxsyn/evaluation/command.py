"""What eval.py does: restore, evaluate, print, write."""

import json
import math
from pathlib import Path

import jax
from ml_collections import ConfigDict

from jaxsyn.atomic import write_text
from jaxsyn.errors import UserError
from jaxsyn.evaluation.class_diversity_measure import class_diversity_scores
from jaxsyn.evaluation.evaluator import Evaluation, evaluate
from jaxsyn.evaluation.measures import choose_gallery, choose_measures, exhibit, measures_class_diversity
from jaxsyn.evaluation.report import write_report
from jaxsyn.evaluation.score import format_table
from jaxsyn.training.runs import restore_run

# Methods that judge images; each has a command of its own.
JUDGES = ("segmenter", "domain_classifier")


def evaluate_run(config: ConfigDict, workdir: str | Path, step: int | None = None) -> None:
    """Evaluates a checkpoint, prints the scores, and writes WORKDIR/eval/metrics.json and WORKDIR/eval/report.html.

    Args:
        step: which checkpoint; None takes the newest.

    Raises:
        UserError: the workdir holds no such checkpoint, the config or the data is unusable, or an image is not finite.
    """
    workdir = Path(workdir)
    if config.method in JUDGES:
        raise UserError(f"{config.method} makes no images: python -m jaxsyn.evaluation.{config.method} measures it")
    run, state = restore_run(config, workdir, step)
    step = int(state.step)
    print(f"evaluating {config.method} of {workdir}, step {step}")
    gallery = choose_gallery(config)
    of_classes = measures_class_diversity(run.method)
    evaluation = evaluate(run, state, [*choose_measures(config), exhibit(gallery)])
    if of_classes:
        evaluation.scores.update(class_diversity_scores(run, state))
    print(format_table(evaluation.scores))
    if jax.process_index() == 0:
        folder = workdir / "eval"
        folder.mkdir(exist_ok=True)
        write_metrics(folder / "metrics.json", step, evaluation)
        write_report(folder / "report.html", workdir, config, step, evaluation, gallery)
        print(f"metrics: {folder / 'metrics.json'}\nreport:  {folder / 'report.html'}")


def write_metrics(path: Path, step: int, evaluation: Evaluation) -> None:
    """Writes JSON: `step`, `metrics` by name, `protocol`, and `notes` on metrics that are missing or need care.

    A value that could not be had, or is not finite, is null. What a metric alone depends on (weights by their SHA-256,
    numbers of samples) stands in `protocol` under its name.
    """
    scores = evaluation.scores
    content = {
        "step": step,
        "metrics": {name: _finite(score.value) for name, score in scores.items()},
        "protocol": evaluation.protocol | {name: dict(s.protocol) for name, s in scores.items() if s.protocol},
        "notes": {name: score.remark for name, score in scores.items() if score.remark},
    }
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

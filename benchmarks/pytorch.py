"""SPADE against the authors' PyTorch code, in turns: python -m benchmarks.pytorch --reference REPOSITORY [--json FILE].

    python -m benchmarks.pytorch --reference ~/SPADE --config "configs/spade.py:cityscapes batch_size=1 \
        data.root=/data/cityscapes model.generator.width=16 model.discriminator.width=16 loss.weights.perceptual=0"

Inference (the label map as ids to the image) and one training step (generator, then discriminator; no perceptual loss,
whose weights are no part of either) of networks of the same widths on the same input in float32. Each program lives in
a process of its own; they run in turns, ratios are taken pair by pair, and memory is the most that the process has had
since it was ready to run. The input is the first training record of the recipe's data set where data.root is set, else
one of `scenes`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags
from ml_collections import ConfigDict

from benchmarks import command
from benchmarks.own_programs import own_inference, own_step
from benchmarks.recipes import NARROW_SPADE, batch_of, load_recipe
from benchmarks.spade_reference import reference_inference, reference_options, reference_step
from benchmarks.timing import pair_ratios, spread
from benchmarks.workers import Worker, interleaved

PROGRAMS = {"inference": (own_inference, reference_inference), "step": (own_step, reference_step)}


def compare(config: ConfigDict, reference: str, what: str, repeats: int, batch: Mapping[str, np.ndarray]) -> dict:
    """The figures of one program, ours against the reference's."""
    arguments = {"config": config.to_dict(), "batch": dict(batch), "reference": reference}
    ours, theirs = PROGRAMS[what]
    with Worker(ours, arguments) as own, Worker(theirs, arguments) as other:
        seconds = interleaved({"ours": own, "theirs": other}, repeats)
        return {
            "what": what,
            "speedups": pair_ratios(seconds["theirs"], seconds["ours"]),
            "seconds": seconds,
            "ours": {**own.facts, "peak_bytes": own.peak_bytes()},
            "theirs": {**other.facts, "peak_bytes": other.peak_bytes()},
        }


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    lines = [figures["recipe"], "what       times as fast: median (least, most)   memory, ours / theirs   compiled in"]
    for entry in figures["programs"]:
        middle, least, most = spread(entry["speedups"])
        ours, theirs = entry["ours"], entry["theirs"]
        line = f"{entry['what']:9}  {middle:5.2f} ({least:.2f}, {most:.2f})"
        if ours["peak_bytes"] and theirs["peak_bytes"]:
            line += f"   {ours['peak_bytes'] / 2**20:.0f} / {theirs['peak_bytes'] / 2**20:.0f} MiB"
        line += f"   {ours['compile_seconds']:.0f} s"
        if ours["flops"]:
            line += f"   {ours['flops'] / 1e9:.0f} GFLOP, {ours['bytes_moved'] / 1e9:.1f} GB (loops counted once)"
        lines.append(line)
    return "\n".join(lines)


def measure(given: flags.FlagValues) -> dict[str, Any]:
    """The figures that `--json` writes."""
    config = load_recipe(given.config)
    reference_options(config.to_dict())
    batch = {name: np.asarray(array) for name, array in batch_of(config).items()}
    root = str(Path(given.reference).expanduser())
    programs = [compare(config, root, what, given.repeats, batch) for what in dict.fromkeys(given.what)]
    return {"recipe": given.config, "repeats": given.repeats, "programs": programs}


if __name__ == "__main__":
    flags.DEFINE_string("reference", None, "The authors' repository, github.com/NVlabs/SPADE.", required=True)
    flags.DEFINE_string("config", NARROW_SPADE, "Recipe, with KEY=VALUE behind it.")
    flags.DEFINE_multi_enum("what", list(PROGRAMS), list(PROGRAMS), "What to measure.")
    command.run(measure, table, repeats=5)

"""What finding a label map's distinct neighbourhoods gains: python -m benchmarks.modulation [--json FILE].

    python -m benchmarks.modulation --config "configs/spade.py:cityscapes batch_size=1 data.root=/data/cityscapes \
        model.generator.width=64 loss.weights.perceptual=0" --what inference

The same recipe with `modulation=auto` and with `modulation=dense`, on the same maps: inference and training step in
turns, and how far apart the images are. The input is the first training record of the recipe's data set where data.root
is set, else one of `scenes`, which is simpler than real maps.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from absl import flags
from ml_collections import ConfigDict

from benchmarks import command
from benchmarks.own_programs import own_inference, own_step
from benchmarks.recipes import NARROW_SPADE, batch_of, load_recipe
from benchmarks.timing import interleaved_times, pair_ratios, spread

PROGRAMS = {"inference": own_inference, "step": own_step}


def compare(config: ConfigDict, what: str, repeats: int, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The figures of one program in both forms."""
    programs, facts = {}, {}
    for modulation in ("dense", "auto"):
        arguments = {"config": {**config.to_dict(), "modulation": modulation}, "batch": batch}
        programs[modulation], facts[modulation] = PROGRAMS[what](arguments)
    figures = {"what": what, "programs": facts}
    if what == "inference":
        dense, auto = (np.asarray(programs[modulation]()) for modulation in ("dense", "auto"))
        figures["difference"] = float(np.abs(dense - auto).max())
        figures["range"] = float(np.ptp(dense))
    seconds = interleaved_times(programs, repeats, warm_up=2)
    return {**figures, "seconds": seconds, "ratios": pair_ratios(seconds["auto"], seconds["dense"])}


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    head = "what       time / dense: median (least, most)   compiled in, dense's   images differ by"
    lines = [figures["recipe"], head]
    for entry in figures["programs"]:
        middle, least, most = spread(entry["ratios"])
        compiled = "{auto[compile_seconds]:.0f} s, {dense[compile_seconds]:.0f} s".format(**entry["programs"])
        line = f"{entry['what']:9}  {middle:.2f} ({least:.2f}, {most:.2f})   {compiled}"
        if "difference" in entry:
            line += f"   {entry['difference']:.1e} of {entry['range']:.2g}"
        lines.append(line)
    return "\n".join(lines)


def measure(given: flags.FlagValues) -> dict[str, Any]:
    """The figures that `--json` writes."""
    config = load_recipe(given.config)
    batch = {name: np.asarray(array) for name, array in batch_of(config).items()}
    programs = [compare(config, what, given.repeats, batch) for what in dict.fromkeys(given.what)]
    return {"recipe": given.config, "repeats": given.repeats, "programs": programs}


if __name__ == "__main__":
    flags.DEFINE_string("config", NARROW_SPADE, "Recipe, with KEY=VALUE behind it.")
    flags.DEFINE_multi_enum("what", list(PROGRAMS), list(PROGRAMS), "What to measure.")
    command.run(measure, table, repeats=5)

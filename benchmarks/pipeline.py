"""Batches a second against torch's DataLoader: python -m benchmarks.pipeline --root DATA [--workers N] [--json FILE].

Both read the same training pairs in the layout of `configs/spade.py:coco_stuff` and do the same transforms (decode, resize
to 286x286, crop to 256x256, flip, scale). They take turns, some batches each. Without workers both read in this process:
then images per second of processor time are compared, whatever the number of threads. With workers, images a second.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from benchmarks.recipes import load_recipe
from benchmarks.timing import pair_ratios, spread
from jaxsyn import cli
from jaxsyn.atomic import write_text
from jaxsyn.data import train_batches
from jaxsyn.data.sources import pair_files
from jaxsyn.errors import UserError

ROOT = flags.DEFINE_string("root", None, "Folder with train_img, train_label and train_inst.")
WORKERS = flags.DEFINE_integer("workers", 0, "Worker processes of each; 0: none.", lower_bound=0)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 8, "Images in a batch.", lower_bound=1)
BATCHES = flags.DEFINE_integer("batches", 5, "Batches of each turn.", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 7, "Pairs of turns.", lower_bound=1)
JSON = flags.DEFINE_string("json", None, "File to write the figures to.")


def torch_batches(config: ConfigDict, workers: int) -> Iterator[dict[str, Any]]:
    """Endless shuffled batches of torch's DataLoader.

    Raises:
        UserError: there is no torch.
    """
    try:
        from torch.utils.data import DataLoader

        from benchmarks.torch_pictures import TorchPictures
    except ImportError:
        raise UserError("the comparison is with torch's DataLoader: pip install torch") from None
    # As many epochs as will be asked for, as one: a new epoch would start new workers.
    pairs = pair_files(config.data, "train").pairs * 10_000
    data = TorchPictures(pairs, config.data.load_size, config.data.width, config.data.num_classes)
    return iter(DataLoader(data, config.batch_size, shuffle=True, num_workers=workers, drop_last=True))


def compare(config: ConfigDict, batches: int, repeats: int) -> dict[str, Any]:
    """The figures that `--json` writes: how many times as fast as the DataLoader, pair by pair."""
    workers = config.data.num_workers
    clock = time.perf_counter if workers else time.process_time
    ours, theirs = train_batches(config), torch_batches(config, workers)
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for i in range(-1, repeats):  # one turn to warm up, which fills the queues too
        turns = [("ours", ours), ("theirs", theirs)]
        for name, source in turns if i % 2 == 0 else reversed(turns):
            taken = _seconds(source, batches, clock)
            if i >= 0:
                seconds[name].append(taken)
    speedups = pair_ratios(seconds["theirs"], seconds["ours"])
    measured = "images a second" if workers else "images per second of processor time"
    return {"workers": workers, "measured": measured, "seconds": seconds, "speedups": speedups}


def _seconds(source: Iterator[Any], batches: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(batches):
        next(source)
    return clock() - start


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    config = load_recipe("configs/spade.py:coco_stuff")
    config.batch_size = BATCH_SIZE.value
    config.data.root, config.data.num_workers = ROOT.value, WORKERS.value
    figures = compare(config, BATCHES.value, REPEATS.value)
    middle, least, most = spread(figures["speedups"])
    print(f"{figures['measured']}, {WORKERS.value} workers, {REPEATS.value} pairs of {BATCHES.value} batches:")
    print(f"{middle:.2f} ({least:.2f}, {most:.2f}) times those of torch's DataLoader")
    if JSON.value:
        write_text(JSON.value, json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    flags.mark_flag_as_required("root")
    cli.run(main)

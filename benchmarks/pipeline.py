"""Images a second against torch's DataLoader: python -m benchmarks.pipeline --root DATA [--cache FOLDER] [--workers N].

Both read the same training pairs in the layout of `configs/spade.py:coco_stuff` and do the same transforms (decode,
resize to 286x286, crop to 256x256, flip, scale), each in a process of its own, some batches in turns. Without workers
the processor time of each process is what is compared, whatever its threads; with workers, the time that passes. With
--cache ours keeps what it has decoded and resized (`data.cache`), as after the first epoch of a training.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from benchmarks import command
from benchmarks.recipes import load_recipe
from benchmarks.timing import pair_ratios, spread
from benchmarks.workers import Worker, interleaved
from jaxsyn.errors import UserError


def own_reader(arguments: Mapping[str, Any]) -> tuple[Callable[[], float], dict[str, Any]]:
    """Maker of the program that reads some batches by our pipeline.

    Args:
        arguments: `config`, the recipe as a dict; `batches`, how many to read in a run.
    """
    from jaxsyn.data import train_batches
    from jaxsyn.data.sources import pair_files

    config = ConfigDict(arguments["config"])
    batches = train_batches(config)
    if config.data.cache:  # the first epoch
        for _ in range(-(-len(pair_files(config.data, "train").pairs) // config.batch_size)):
            next(batches)
    return _reader(batches, arguments["batches"], config.data.num_workers), {}


def torch_reader(arguments: Mapping[str, Any]) -> tuple[Callable[[], float], dict[str, Any]]:
    """Maker of the program that reads some batches by torch's DataLoader; arguments as for `own_reader`.

    Raises:
        UserError: there is no torch.
    """
    try:
        import torch
        from torch.utils.data import DataLoader

        from benchmarks.torch_pictures import TorchPictures
    except ImportError:
        raise UserError("the comparison is with torch's DataLoader: pip install torch") from None
    from jaxsyn.data.sources import pair_files

    config = ConfigDict(arguments["config"])
    data, workers = config.data, config.data.num_workers
    # As in a worker process. With more, threads that wait for each other's small operations burn processor time.
    torch.set_num_threads(1)
    # As many epochs as will be asked for, as one: a new epoch would start new workers.
    pictures = TorchPictures(pair_files(data, "train").pairs * 1000, data.load_size, data.width, data.num_classes)
    loader = DataLoader(pictures, config.batch_size, shuffle=True, num_workers=workers, drop_last=True)
    return _reader(iter(loader), arguments["batches"], workers), {}


def _reader(source: Iterator[Any], batches: int, workers: int) -> Callable[[], float]:
    clock = time.perf_counter if workers else time.process_time
    last = clock()

    def read() -> float:
        # Processor time since the last turn: what was read ahead meanwhile belongs to this one.
        nonlocal last
        start = clock() if workers else last
        for _ in range(batches):
            next(source)
        last = clock()
        return last - start

    return read


def compare(config: ConfigDict, batches: int, repeats: int) -> dict[str, Any]:
    """The figures that `--json` writes: how many times as fast as the DataLoader, pair by pair."""
    arguments = {"config": config.to_dict(), "batches": batches}
    with Worker(own_reader, arguments) as ours, Worker(torch_reader, arguments) as theirs:
        seconds = interleaved({"ours": ours, "theirs": theirs}, repeats)
    workers = config.data.num_workers
    measured = "images a second" if workers else "images per second of processor time"
    measured += " after the first epoch of a cache" if config.data.cache else ""
    speedups = pair_ratios(seconds["theirs"], seconds["ours"])
    return {"workers": workers, "measured": measured, "seconds": seconds, "speedups": speedups}


def measure(given: flags.FlagValues) -> dict[str, Any]:
    """The figures that `--json` writes."""
    config = load_recipe("configs/spade.py:coco_stuff")
    config.batch_size = given.batch_size
    config.data.root, config.data.cache, config.data.num_workers = given.root, given.cache, given.workers
    return compare(config, given.batches, given.repeats)


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    middle, least, most = spread(figures["speedups"])
    head = f"{figures['measured']}, {figures['workers']} workers, {len(figures['speedups'])} pairs:"
    return f"{head}\n{middle:.2f} ({least:.2f}, {most:.2f}) times those of torch's DataLoader"


if __name__ == "__main__":
    flags.DEFINE_string("root", None, "Folder with train_img, train_label and train_inst.", required=True)
    flags.DEFINE_string("cache", "", "Folder of data.cache; none where it is empty.")
    flags.DEFINE_integer("workers", 0, "Worker processes of each; 0: none.", lower_bound=0)
    flags.DEFINE_integer("batch_size", 8, "Images in a batch.", lower_bound=1)
    flags.DEFINE_integer("batches", 5, "Batches of each turn.", lower_bound=1)
    command.run(measure, table, repeats=7)

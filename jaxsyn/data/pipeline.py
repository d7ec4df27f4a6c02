"""The grain pipeline: batches that depend on the seed and the step alone.

A training record is fixed by (seed, its position in the endless shuffled order), its crop and flip too. Step s takes
the positions s * batch_size onwards, so the step is the whole state of the pipeline: a checkpoint holds one integer,
and neither the number of processes nor that of workers changes what a global batch holds.
"""

import collections
import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grain
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data.bad_records import SkippedRecords, tolerance
from jaxsyn.data.random_window import RandomWindow
from jaxsyn.data.records import AttributeRecords, DomainRecords, Records, UnpairedRecords, open_records
from jaxsyn.data.sources import has_domains, has_label_maps
from jaxsyn.data.transforms import Preprocess, to_batch_form
from jaxsyn.data.workers import Batches, in_workers
from jaxsyn.errors import UserError

AnyRecords = Records | UnpairedRecords | DomainRecords | AttributeRecords

# More positions than any run takes; grain's own endless repeat overflows for batches of one.
_ENDLESS = 2**40
# Grain shuffles by a cipher of 2**16 numbers, which it follows until one is in the set: milliseconds where few are.
_FEW = 1024


def preprocess(data: ConfigDict) -> Preprocess:
    """The preprocessing that `config.data` asks for."""
    window = RandomWindow(data.window_share, tuple(data.window_area), tuple(data.window_aspect))
    geometry = Preprocess(data.preprocess, data.height, data.width, data.load_size, data.flip)
    return geometry._replace(window=window) if data.window_share else geometry


def train_batches(
    config: ConfigDict,
    *,
    start_step: int = 0,
    process_index: int = 0,
    process_count: int = 1,
    skipped: SkippedRecords | None = None,
) -> Batches:
    """Endless training batches from `start_step` on: shuffled anew each epoch, cropped and flipped.

    Each holds this process's share of the global batch (config.batch_size): the shares of all processes, concatenated
    in order of `process_index`, are the global batch. "image" float32 `[B, H, W, 3]` in [-1, 1], "domain" int32 `[B]`;
    "label" int32 `[B, H, W]` where the data set has label maps; "source", as "image", where data.pairing, and where
    data.domains as well "source_domain", as "domain", and if data.second_image another image of the domain;
    "attributes" int32 `[B, c]` where data.attributes, and what comes with them (`AttributeRecords`); "instance" int32
    `[B, H, W]` where data.use_instance or data.max_instances, "position" float32 `[B, H, W, 2]` where
    data.use_positions, "sketch" float32 `[B, H, W, 1]` in [0, 1] where data.use_sketch. Raises UserError as
    `open_source` does, and while iterating for bad input and where a worker process dies.

    With data.on_bad_record=skip another record, drawn by the same seed, takes the place of a bad one, and bad input is
    an error only where more than data.max_bad_share of the records turn out bad.

    Args:
        skipped: takes down the bad records that this process meets.
    """
    local = _local_batch_size(config.batch_size, "batch_size", process_count)
    records, allowed = open_records(config.data, "train", preprocess(config.data)), tolerance(config.data, "train")
    positions = _positions(len(records), config.seed)
    keys = (*_batch_keys(config.data), *(["skipped"] if allowed.skip else []))
    batches = positions.random_map(_Augment(records, keys)).batch(local)
    batches = batches[start_step * process_count + process_index :: process_count]
    batches = _prefetched(batches, config.data.num_workers)
    if not allowed.skip:
        return Batches(batches)
    skipped = SkippedRecords() if skipped is None else skipped

    def without_skipped(batch: dict) -> dict:
        skipped.note(batch.pop("skipped"), allowed, len(records))
        return batch

    return Batches(batches, without_skipped)


def blank_batch(config: ConfigDict) -> dict[str, np.ndarray]:
    """A global batch of zeros with the shapes and dtypes of `train_batches`, made without looking at the data."""
    size, data = config.batch_size, config.data
    picture = (size, data.height, data.width)
    shapes = {
        "image": ((*picture, 3), np.float32),
        "source": ((*picture, 3), np.float32),
        "second_image": ((*picture, 3), np.float32),
        "domain_image": ((*picture, 3), np.float32),
        "domain": ((size,), np.int32),
        "source_domain": ((size,), np.int32),
        "attributes": ((size, len(data.attributes)), np.int32),
        "source_attributes": ((size, len(data.attributes)), np.int32),
        "position": ((*picture, 2), np.float32),
        "sketch": ((*picture, 1), np.float32),
    }
    return {key: np.zeros(*shapes.get(key, (picture, np.int32))) for key in _batch_keys(data)}


def eval_batches(
    config: ConfigDict,
    split: str = "val",
    *,
    batch_size: int,
    limit: int | None = None,
    process_index: int = 0,
    process_count: int = 1,
) -> Batches:
    """One pass over `split` ("val" or "train") in order, nothing random (see `Preprocess`), at most `limit` records.

    As `train_batches`, with "name" str `[B]` and "mask" bool `[B]`: every batch is full, the last is filled by
    repeating the last record with mask False. `batch_size` is global. A bad record is an error whatever
    data.on_bad_record says: figures without it would be those of another set.
    """
    local = _local_batch_size(batch_size, "the evaluation's batch_size", process_count)
    records = open_records(config.data, split, preprocess(config.data))
    count = len(records) if limit is None else min(limit, len(records))
    padded = -(-count // batch_size) * batch_size
    records = grain.MapDataset.range(padded).map(_Centre(records, count, (*_batch_keys(config.data), "name")))
    batches = records.batch(local)[process_index::process_count]
    return Batches(_prefetched(batches, config.data.num_workers))


def device_batches(iterator: Iterable[dict], put: Callable[[dict], Any], ahead: int = 2) -> Iterator[Any]:
    """Yields `put(batch)` for each batch, `ahead` batches before they are asked for.

    `put` starts the transfer to the devices and returns at once, as `jax.device_put` does; sharding is its business.
    """
    placed = collections.deque()
    batches = iter(iterator)
    for batch in itertools.islice(batches, ahead):
        placed.append(put(batch))
    while placed:
        ready = placed.popleft()
        for batch in itertools.islice(batches, 1):
            placed.append(put(batch))
        yield ready


def _positions(count: int, seed: int) -> grain.MapDataset:
    """The numbers 0 .. count - 1 in an order of each epoch's own, endlessly."""
    epochs = max(1, _ENDLESS // count)
    if count < _FEW:
        return grain.MapDataset.range(epochs * count).seed(seed).map(_Shuffled(count, seed))
    return grain.MapDataset.range(count).seed(seed).shuffle().repeat(epochs)


class _Shuffled(grain.transforms.Map):
    def __init__(self, count: int, seed: int):
        self._count, self._seed = count, seed

    def map(self, element: int) -> int:
        epoch, place = divmod(element, self._count)
        return int(_order(self._count, self._seed, epoch)[place])


@functools.lru_cache(maxsize=16)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


class _Augment(grain.transforms.RandomMap):
    def __init__(self, records: AnyRecords, keys: tuple[str, ...]):
        self._records, self._keys = records, keys

    def random_map(self, element: int, rng: np.random.Generator) -> dict:
        record = self._records.random(element, rng)
        return {key: record[key] for key in self._keys}


class _Centre(grain.transforms.Map):
    def __init__(self, records: AnyRecords, count: int, keys: tuple[str, ...]):
        self._records, self._count, self._keys = records, count, keys

    def map(self, element: int) -> dict:
        record = self._records.centre(min(element, self._count - 1))
        return {key: record[key] for key in self._keys} | {"mask": element < self._count}


def _batch_keys(data: ConfigDict) -> tuple[str, ...]:
    wanted = {
        "label": has_label_maps(data),
        "source": bool(data.pairing),
        "source_domain": bool(data.pairing and has_domains(data)),
        "second_image": bool(data.pairing and has_domains(data) and data.second_image),
        "attributes": bool(data.attributes),
        "source_attributes": bool(data.pairing and data.attributes),
        "domain_image": bool(data.pairing and data.attributes and data.domains),
        "instance": data.use_instance or data.max_instances is not None,
        "position": data.use_positions,
        "sketch": data.use_sketch,
    }
    return ("image", "domain", *(key for key, asked in wanted.items() if asked))


def _local_batch_size(batch_size: int, key: str, process_count: int) -> int:
    if batch_size < 1 or batch_size % process_count:
        raise UserError(f"{key}={batch_size}: set a positive multiple of the {process_count} processes")
    return batch_size // process_count


def _prefetched(batches: grain.MapDataset, num_workers: int) -> grain.IterDataset:
    # The conversion to float comes after the queues, which so hold a quarter of the bytes.
    threads = min(8, os.cpu_count() or 1) if num_workers == 0 else 1
    options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(2, threads))
    return in_workers(batches.to_iter_dataset(options), num_workers).map(to_batch_form)

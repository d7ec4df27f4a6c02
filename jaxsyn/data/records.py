"""What the pipeline makes of a source: records as training and as evaluation see them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data.bad_records import all_skipped, sound_record, tolerance
from jaxsyn.data.cache import RecordCache, record_cache
from jaxsyn.data.classes import colour, num_label_classes
from jaxsyn.data.derived import DerivedMaps, derived_maps
from jaxsyn.data.domains import domain_name, in_turn
from jaxsyn.data.sources import (
    domain_folders_beside,
    has_domains,
    open_domains,
    open_inputs,
    open_source,
    open_targets,
    translates_label_maps,
)
from jaxsyn.data.transforms import Preprocess
from jaxsyn.errors import UserError


class Records(NamedTuple):
    """A source under one geometry: every map and picture of a record goes through the same resize, crop and flip.

    paint: number of classes and data.name, where the coloured label map becomes the record's "source"; or None.
    skip: whether another record takes the place of a bad one in training, see `sound_record`.
    cache: where records are kept as they are before crop and flip, or None.
    """

    source: Sequence[dict]
    derived: DerivedMaps
    geometry: Preprocess
    paint: tuple[int, str] | None = None
    skip: bool = False
    cache: RecordCache | None = None

    def __len__(self) -> int:
        return len(self.source)

    def random(self, index: int, rng: np.random.Generator) -> dict:
        """A record as training sees it."""

        def make(chosen: int) -> dict:
            return self._painted(self._placed(chosen, rng))

        return sound_record(make, index, len(self), rng) if self.skip else make(index)

    def centre(self, index: int) -> dict:
        """A record as evaluation sees it, with nothing random."""
        return self._painted(self.geometry.centre(self.derived.add(self.source[index])))

    def _placed(self, index: int, rng: np.random.Generator) -> dict:
        def whole() -> dict:
            return self.derived.add(self.source[index])

        if self.cache is None:
            return self.geometry.random(whole(), rng)
        files = self.source.record_files(index) if hasattr(self.source, "record_files") else ()
        return self.geometry.place(self.cache.record(index, files, lambda: self.geometry.resize(whole())), rng)

    def _painted(self, record: dict) -> dict:
        return record if self.paint is None else {**record, "source": colour(record["label"], *self.paint)}


class UnpairedRecords(NamedTuple):
    """Two sets that only their kind relates: "source" from the one, "image" from the other, drawn independently.

    What else a record holds (label map, name) is of its source. As in CycleGAN, an epoch is as long as the larger set;
    the target is drawn at random in training, in order in evaluation, where an epoch is the inputs.
    """

    inputs: Records
    targets: Records
    training: bool

    def __len__(self) -> int:
        return max(len(self.inputs), len(self.targets)) if self.training else len(self.inputs)

    def random(self, index: int, rng: np.random.Generator) -> dict:
        """A record as training sees it."""
        target = self.targets.random(int(rng.integers(len(self.targets))), rng)
        return self._joined(self.inputs.random(index % len(self.inputs), rng), target)

    def centre(self, index: int) -> dict:
        """A record as evaluation sees it."""
        return self._joined(self.inputs.centre(index), self.targets.centre(index % len(self.targets)))

    def _joined(self, record: dict, target: dict) -> dict:
        pictures = {"source": record["image"], "image": target["image"], "domain": target["domain"]}
        return {**record, **pictures, "skipped": all_skipped(record, target)}


class DomainRecords(NamedTuple):
    """Several domains: "source" of the domain "source_domain", and "image", any picture of the domain "domain".

    Both domains are places in data.domains. As in StarGAN v2's loaders, training draws them independently, so that they
    may be equal. All domains have the same share, whatever their lengths: an epoch is the longest domain's length for
    each of them. Evaluation takes every picture of every domain as a source once, and the other domains in turn as its
    target. What else a record holds (label map, name) is of its source.

    second_image: whether a record gets "second_image", another picture of its image's domain.
    """

    names: tuple[str, ...]
    domains: tuple[Records, ...]
    training: bool
    second_image: bool

    def __len__(self) -> int:
        lengths = self._lengths()
        return len(lengths) * max(lengths) if self.training else sum(lengths)

    def random(self, index: int, rng: np.random.Generator) -> dict:
        """A record as training sees it."""
        turn, source_domain = divmod(index, len(self.domains))
        domain = int(rng.integers(len(self.domains)))
        sources, targets = self.domains[source_domain], self.domains[domain]
        source = sources.random(turn % len(sources), rng)
        images = [targets.random(int(rng.integers(len(targets))), rng) for _ in range(1 + self.second_image)]
        return self._joined(source, source_domain, images, domain)

    def centre(self, index: int) -> dict:
        """A record as evaluation sees it."""
        turn, source_domain = in_turn(self._lengths())[index]
        others = [domain for domain in range(len(self.domains)) if domain != source_domain]
        domain = others[turn % len(others)]
        targets = self.domains[domain]
        images = [targets.centre((turn + i) % len(targets)) for i in range(1, 2 + self.second_image)]
        return self._joined(self.domains[source_domain].centre(turn), source_domain, images, domain)

    def _lengths(self) -> tuple[int, ...]:
        return tuple(len(records) for records in self.domains)

    def _joined(self, source: dict, source_domain: int, images: list[dict], domain: int) -> dict:
        pictures = dict(zip(("image", "second_image"), (image["image"] for image in images), strict=False))
        name = domain_name(self.names[source_domain], source["name"])
        own = {"source_domain": source_domain, "domain": domain, "name": name, "skipped": all_skipped(source, *images)}
        return {**source, "source": source["image"], **pictures, **own}


class AttributeRecords(NamedTuple):
    """Pictures with attributes: "source" with "source_attributes", and "image", another picture, with "attributes".

    For joint training each record also has "domain_image" of the domain "domain", from a second set. An epoch is that
    of the sources; the others are drawn at random in training, and come in order in evaluation.

    beside: the second set, or None.
    """

    pictures: Records
    beside: Records | None

    def __len__(self) -> int:
        return len(self.pictures)

    def random(self, index: int, rng: np.random.Generator) -> dict:
        """A record as training sees it."""
        sets = [self.pictures] if self.beside is None else [self.pictures, self.beside]
        drawn = [records.random(int(rng.integers(len(records))), rng) for records in sets]
        return self._joined(self.pictures.random(index, rng), *drawn)

    def centre(self, index: int) -> dict:
        """A record as evaluation sees it."""
        others = [self.pictures.centre((index + 1) % len(self))]
        if self.beside is not None:
            others.append(self.beside.centre(index % len(self.beside)))
        return self._joined(self.pictures.centre(index), *others)

    def _joined(self, source: dict, target: dict, *beside: dict) -> dict:
        record = {**source, "source": source["image"], "source_attributes": source["attributes"]}
        record |= {"image": target["image"], "attributes": target["attributes"]}
        for other in beside:
            record |= {"domain_image": other["image"], "domain": other["domain"]}
        return {**record, "skipped": all_skipped(source, target, *beside)}


def open_records(
    data: ConfigDict, split: str, geometry: Preprocess
) -> Records | UnpairedRecords | DomainRecords | AttributeRecords:
    """The records of the split "train" or "val". Raises UserError as `open_source` does, and where there are none."""
    records = _open(data, split, geometry)
    if len(records) == 0:
        raise UserError(f"data.name={data.name}: {split} has no records: `python -m jaxsyn.data inspect` says why")
    return records


def _open(
    data: ConfigDict, split: str, geometry: Preprocess
) -> Records | UnpairedRecords | DomainRecords | AttributeRecords:
    def made(source: Sequence[dict], part: str = "", paint: tuple[int, str] | None = None) -> Records:
        skip = tolerance(data, split).skip
        return Records(source, derived_maps(data), geometry, paint, skip, record_cache(data, split, part))

    if data.pairing == "unpaired" and data.attributes:
        beside = made(open_source(domain_folders_beside(data), split), "domains") if data.domains else None
        return AttributeRecords(made(open_inputs(data, split)), beside)
    if data.pairing and has_domains(data):
        domains = tuple(map(made, open_domains(data, split), data.domains))
        return DomainRecords(tuple(data.domains), domains, split == "train", data.second_image)
    if data.pairing == "unpaired":
        inputs, targets = made(open_inputs(data, split), "inputs"), made(open_targets(data, split), "targets")
        return UnpairedRecords(inputs, targets, split == "train")
    paint = (num_label_classes(data), data.name) if translates_label_maps(data) else None
    return made(open_source(data, split), paint=paint)

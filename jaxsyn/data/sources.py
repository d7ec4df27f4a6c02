"""`open_source`: the source that a config names."""

import os
from collections.abc import Sequence

from ml_collections import ConfigDict

from jaxsyn.data.ade20k import pair_ade20k
from jaxsyn.data.bad_records import tolerance
from jaxsyn.data.celeba import open_celeba
from jaxsyn.data.cityscapes import pair_cityscapes
from jaxsyn.data.classes import label_ids
from jaxsyn.data.coco_stuff import pair_coco_stuff
from jaxsyn.data.domains import DomainSource
from jaxsyn.data.files import PairedFiles
from jaxsyn.data.folders import pair_custom_folders, pair_spade_folders
from jaxsyn.data.pairs import Pairing
from jaxsyn.data.picture_files import (
    open_domain_folder,
    open_folder,
    open_side_by_side,
    open_two_folders,
    require_domains,
    sides,
)
from jaxsyn.data.scenes import Scenes
from jaxsyn.data.tfds import TfdsSource
from jaxsyn.errors import UserError

NAMES = (
    "scenes",
    "paired_folders",
    "custom",
    "cityscapes",
    "ade20k",
    "coco_stuff",
    "tfds",
    "side_by_side",
    "two_folders",
    "domain_folders",
    "celeba",
)
PAIRINGS = ("", "paired", "unpaired")


def open_source(data: ConfigDict, split: str, seed: int = 0) -> Sequence[dict]:
    """Opens the training ("train") or evaluation ("val") records of `config.data`.

    A source is a picklable random-access sequence of records: "image" uint8 `[H, W, 3]`, "label" integer classes
    `[H, W]`, "instance" integers `[H, W]` (files: only if data.use_instance), "domain" int, "name" str. Sets of
    pictures have no "label", but "source", the picture to translate, where they are paired, and "attributes" int32
    `[c]` where data.attributes names some. `seed` makes the scenes of `scenes`; it is not the seed of training, so that
    every run is trained and measured on the same scenes.

    A source made of files has "problems", one line for each file that is in no record, such as one without partner.

    Raises UserError for an unknown data.name, a missing or empty folder, such problems unless data.on_bad_record=skip
    and they are few, and for an unpaired set, which is two sources: `open_inputs` and `open_targets`. With data.domains
    they are one source of all domains.
    """
    _check_pairing(data)
    _check_attributes(data)
    source = _open(data, split, seed)
    problems = left_out(source)
    tolerance(data, split).check(problems, len(source) + len(problems))
    return source


def left_out(source: Sequence[dict]) -> list[str]:
    """One line for each file of an opened source that is in no record."""
    return getattr(source, "problems", [])


def _open(data: ConfigDict, split: str, seed: int) -> Sequence[dict]:
    if has_domains(data):
        return DomainSource(data.domains, open_domains(data, split))
    if data.name == "celeba":
        return open_celeba(data, split_name(data, split))
    if data.name == "scenes":
        length = data.train_length if split == "train" else data.eval_length
        return Scenes(
            data.height,
            data.width,
            num_classes=data.num_classes,
            split=split,
            seed=seed,
            length=length,
            domain=data.domain,
            source_domain=data.source_domain if data.pairing == "paired" else "",
        )
    if data.name == "side_by_side":
        return open_side_by_side(data, split_name(data, split))
    if data.name == "two_folders":
        return (open_two_folders if data.pairing == "paired" else open_folder)(data, split_name(data, split))
    if data.name == "tfds":
        return TfdsSource(data, split_name(data, split), label_ids(data))
    pairing = pair_files(data, split)
    return PairedFiles(pairing.pairs, label_ids(data), data.palette_labels, pairing.problems)


def open_domains(data: ConfigDict, split: str) -> tuple[Sequence[dict], ...]:
    """One source for each of data.domains. Raises UserError as `open_source` does."""
    if data.pairing == "paired":
        raise UserError("data.pairing=paired: pictures in several domains are no pairs, set data.pairing=unpaired")
    if data.name == "domain_folders":
        name = split_name(data, split)
        require_domains(data, name)
        return tuple(open_domain_folder(data, name, domain) for domain in data.domains)
    if data.name != "scenes":
        raise UserError(f"data.domains: data.name={data.name} has none, use domain_folders or scenes")
    alone = data.copy_and_resolve_references()
    alone.domains, alone.pairing = (), ""
    sources = []
    for domain in data.domains:
        alone.domain = domain
        sources.append(open_source(alone, split))
    return tuple(sources)


def has_domains(data: ConfigDict) -> bool:
    """Whether the data set is one of several domains; beside attributes data.domains are those of another set."""
    return data.name == "domain_folders" or bool(data.domains and not data.attributes)


def domain_folders_beside(data: ConfigDict) -> ConfigDict:
    """The config of the second set of joint training: the folders data.domains in data.domain_root.

    Raises:
        UserError: data.domain_root is not set, or does not exist.
    """
    if not os.path.isdir(data.domain_root):
        state = f"={data.domain_root} does not exist" if data.domain_root else " is not set"
        raise UserError(f"data.domain_root{state}: with data.attributes, data.domains are the folders of a second set")
    beside = data.copy_and_resolve_references()
    beside.name, beside.root, beside.attributes, beside.pairing = "domain_folders", data.domain_root, (), ""
    return beside


def open_inputs(data: ConfigDict, split: str) -> Sequence[dict]:
    """The records that are translated: `open_source` but for unpaired sets."""
    return open_source(_one_side(data, inputs=True), split)


def open_targets(data: ConfigDict, split: str) -> Sequence[dict]:
    """The records that results are compared with; `open_source` but for unpaired sets."""
    return open_source(_one_side(data, inputs=False), split)


def targets_alone(data: ConfigDict) -> ConfigDict:
    """The config of the set of results, without what is translated; the config itself but for unpaired sets."""
    return _one_side(data, inputs=False)


def _one_side(data: ConfigDict, *, inputs: bool) -> ConfigDict:
    if data.pairing != "unpaired":
        return data
    if data.domains or data.attributes:
        together = data.copy_and_resolve_references()
        together.pairing = ""
        return together
    if data.name == "scenes" and not data.source_domain:
        raise UserError("data.source_domain is not set: unpaired scenes translate it to data.domain")
    side = data.copy_and_resolve_references()
    side.pairing = ""
    if inputs:
        side.domain = data.source_domain
        side.direction = "to".join(reversed(sides(data)))
    if data.name == "tfds":  # CycleGAN's sets: splits trainA and trainB of images alone
        side.train_split, side.eval_split = (name + sides(side)[1] for name in (data.train_split, data.eval_split))
        side.tfds_label_key = ""
    return side


def has_label_maps(data: ConfigDict) -> bool:
    """Whether the records of a data set hold label maps."""
    if data.name == "tfds":
        return bool(data.tfds_label_key) and data.pairing != "unpaired"
    return data.name not in ("side_by_side", "two_folders", "domain_folders", "celeba")


def translates_label_maps(data: ConfigDict) -> bool:
    """Whether the picture to translate is the coloured label map: paired sets that have no other."""
    return data.pairing == "paired" and has_label_maps(data) and not (data.name == "scenes" and data.source_domain)


def _check_pairing(data: ConfigDict) -> None:
    if data.pairing not in PAIRINGS:
        raise UserError(f"data.pairing={data.pairing}: choose paired or unpaired, or leave it empty for label maps")
    if data.pairing == "unpaired":
        raise UserError("data.pairing=unpaired is two sources, not one")
    if data.name == "side_by_side" and data.pairing != "paired":
        raise UserError("data.name=side_by_side holds pairs: set data.pairing=paired, or use two_folders")


def _check_attributes(data: ConfigDict) -> None:
    if data.attributes and data.name not in ("celeba", "tfds"):
        raise UserError(f"data.attributes: data.name={data.name} has none, use celeba or tfds")
    if data.attributes and data.pairing == "paired":
        raise UserError("data.pairing=paired: pictures with attributes are no pairs, set data.pairing=unpaired")


def split_name(data: ConfigDict, split: str) -> str:
    """The data set's own name of the split "train" or "val"."""
    return {"train": data.train_split, "val": data.eval_split}[split]


def pair_files(data: ConfigDict, split: str) -> Pairing:
    """The paired files of a data set that is made of files. Raises UserError as `open_source` does."""
    name = split_name(data, split)
    match data.name:
        case "paired_folders":
            return pair_spade_folders(data, name)
        case "custom":
            return pair_custom_folders(data, name)
        case "cityscapes":
            return pair_cityscapes(data, name)
        case "ade20k":
            return pair_ade20k(data, name)
        case "coco_stuff":
            return pair_coco_stuff(data, name)
        case _:
            raise UserError(f"data.name={data.name}: no such data set, choose one of {', '.join(NAMES)}")

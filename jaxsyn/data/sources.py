"""`open_source`: the source that a config names."""

from collections.abc import Sequence

from ml_collections import ConfigDict

from jaxsyn.data.ade20k import pair_ade20k
from jaxsyn.data.cityscapes import pair_cityscapes
from jaxsyn.data.classes import label_ids
from jaxsyn.data.coco_stuff import pair_coco_stuff
from jaxsyn.data.files import PairedFiles
from jaxsyn.data.folders import pair_custom_folders, pair_spade_folders
from jaxsyn.data.pairs import Pairing
from jaxsyn.data.scenes import Scenes
from jaxsyn.data.tfds import TfdsSource
from jaxsyn.errors import UserError

NAMES = ("scenes", "paired_folders", "custom", "cityscapes", "ade20k", "coco_stuff", "tfds")


def open_source(data: ConfigDict, split: str, seed: int = 0) -> Sequence[dict]:
    """Opens the training ("train") or evaluation ("val") records of `config.data`.

    A source is a picklable random-access sequence of records: "image" uint8 `[H, W, 3]`, "label" integer classes
    `[H, W]`, "instance" int32 `[H, W]` (files: only if data.use_instance), "domain" int, "name" str. `seed` makes the
    scenes of `scenes`; it is not the seed of training, so that every run is trained and measured on the same scenes.

    Raises UserError for an unknown data.name, a missing or empty folder, and files without partner.
    """
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
        )
    if data.name == "tfds":
        return TfdsSource(data, split_name(data, split), label_ids(data))
    pairing = pair_files(data, split)
    if pairing.problems:
        more = len(pairing.problems) - 1
        raise UserError(pairing.problems[0] + (f" (and {more} more: `python -m jaxsyn.data inspect`)" if more else ""))
    return PairedFiles(pairing.pairs, label_ids(data), data.palette_labels)


def split_name(data: ConfigDict, split: str) -> str:
    """The data set's own name of the split "train" or "val"."""
    return {"train": data.train_split, "val": data.eval_split}[split]


def is_made_of_files(data: ConfigDict) -> bool:
    """Whether the data set is made of paired image files (an unknown one counts, so that `pair_files` names it)."""
    return data.name not in ("scenes", "tfds")


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

"""CelebA: faces with attributes (Liu et al., ICCV 2015), in the split of StarGAN's code."""

import os
import random
from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data.folders import require_root
from jaxsyn.data.images import read_image
from jaxsyn.data.picture_files import PictureFiles
from jaxsyn.errors import UserError

LIST = "list_attr_celeba.txt"
FOLDERS = ("images", "img_align_celeba")
SPLITS = ("train", "test")
VALUES = {"1": 1, "-1": 0}
# The seed of the order in which StarGAN's code divides the list.
SEED = 1234


class AttributedPictures(PictureFiles):
    """Random access to pictures with attributes: records as of `PictureFiles`, and "attributes" int32 `[c]`, 0 or 1."""

    def __init__(self, files: Sequence[str], attributes: np.ndarray, problems: Sequence[str] = ()):
        """
        Args:
            attributes: int32 `[N, c]`.
            problems: as of `PictureFiles`.
        """
        super().__init__([(file,) for file in files], _read, problems)
        self.attributes = attributes

    def __getitem__(self, index: int) -> dict:
        return {**super().__getitem__(index), "attributes": self.attributes[index]}


def open_celeba(data: ConfigDict, split: str) -> AttributedPictures:
    """The split "train" or "test" of {root}/list_attr_celeba.txt and {root}/images or {root}/img_align_celeba.

    As in StarGAN's code, the lines are shuffled by Python's generator from the seed 1234, and the first
    data.test_length of them are the test set. A file that is in the list and not in the folder is a problem.

    Raises:
        UserError: the list or the folder is missing; the list is not of CelebA's format, or lacks one of
            data.attributes; no such split, or an empty one.
    """
    if split not in SPLITS:
        raise UserError(
            f"data.name=celeba has no split {split}: set data.train_split, data.eval_split to train or test"
        )
    root = require_root(data, f"{LIST} and {' or '.join(FOLDERS)}")
    path = os.path.join(root, LIST)
    files, attributes = read_attributes(path, data.attributes)
    order = list(range(len(files)))
    random.Random(SEED).shuffle(order)
    chosen = order[: data.test_length] if split == "test" else order[data.test_length :]
    if not chosen:
        raise UserError(f"{path}: none of its {len(files)} pictures are left for {split}: correct data.test_length")
    folder = _image_folder(root)
    present = set(os.listdir(folder))
    problems = [
        f"{path}: {files[i]} is not in {folder}: add it, or take its line out of the list"
        for i in chosen
        if files[i] not in present
    ]
    chosen = [i for i in chosen if files[i] in present]
    return AttributedPictures([os.path.join(folder, files[i]) for i in chosen], attributes[chosen], problems)


def read_attributes(path: str, names: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The files that a list of CelebA's format names, and of each the attributes `names`: int32 `[N, c]`, 0 or 1.

    The format: the number of pictures, a line of attribute names, and for each picture a line of its file's name and
    1 or -1 for each attribute.

    Raises:
        UserError: it cannot be read, is not of that format, or lacks an attribute.
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UserError(f"{path}: not readable ({reason}): put CelebA's list of attributes there") from None
    if len(lines) < 2 or not lines[0].strip().isdecimal():
        raise UserError(f"{path}: line 1 is not the number of pictures: restore CelebA's list of attributes")
    count, known, rows = int(lines[0]), lines[1].split(), [line.split() for line in lines[2:] if line.strip()]
    if len(rows) != count:
        raise UserError(f"{path}: has {len(rows)} pictures, its first line says {count}: restore or correct it")
    missing = [name for name in names if name not in known]
    if missing:
        raise UserError(f"{path}: no attribute {missing[0]}: choose data.attributes from {', '.join(known)}")
    columns = [1 + known.index(name) for name in names]
    attributes = np.zeros((count, len(columns)), np.int32)
    for i, row in enumerate(rows):
        if len(row) != 1 + len(known):
            raise UserError(f"{path}: {row[0]} has {len(row) - 1} values for {len(known)} attributes: correct its line")
        for j, column in enumerate(columns):
            if row[column] not in VALUES:
                raise UserError(
                    f"{path}: {row[0]} has {names[j]} = {row[column]}, which is neither 1 nor -1: correct it"
                )
            attributes[i, j] = VALUES[row[column]]
    return [row[0] for row in rows], attributes


def _image_folder(root: str) -> str:
    for name in FOLDERS:
        if os.path.isdir(os.path.join(root, name)):
            return os.path.join(root, name)
    raise UserError(f"{root}: has no folder {' or '.join(FOLDERS)}: put CelebA's aligned pictures there")


def _read(files: tuple[str, ...]) -> dict:
    return {"image": read_image(files[0], upright=True)}

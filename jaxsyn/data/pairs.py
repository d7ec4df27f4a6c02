"""Which image goes with which label map and instance map: files paired by name."""

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from jaxsyn.data.images import EXTENSIONS
from jaxsyn.errors import UserError


class Pair(NamedTuple):
    """The files of one record."""

    label: str
    image: str
    instance: str | None


class Pairing(NamedTuple):
    """The complete pairs of a split in natural order, and one line for each file that has no partner."""

    pairs: list[Pair]
    problems: list[str]


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts digit runs as numbers, as SPADE does: `a2` before `a10`."""
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]


def without_extension(relative: str) -> str:
    """The pairing rule of most layouts: the path below the folder, extension aside."""
    return os.path.splitext(relative)[0]


def list_images(folder: str, key: str, endings: tuple[str, ...] = EXTENSIONS) -> list[str]:
    """Image files under `folder` (subfolders too), relative to it, in natural order; hidden files are left out.

    `key` is the config key that a message names. Raises UserError where the folder does not exist or holds none.
    """
    if not os.path.isdir(folder):
        raise UserError(f"{folder}: no such folder: correct {key}")
    found = []
    for directory, _, names in os.walk(folder, followlinks=True):
        below = os.path.relpath(directory, folder)
        found += [
            os.path.normpath(os.path.join(below, name))
            for name in names
            if not name.startswith(".") and name.lower().endswith(endings)
        ]
    if not found:
        raise UserError(f"{folder}: empty folder, no file ends in {', '.join(endings)}: fill it or correct {key}")
    return sorted(found, key=natural_key)


class Folder(NamedTuple):
    """One kind of file of a layout: where it lies, how it ends, and the config key to name in messages."""

    path: str
    key: str
    endings: tuple[str, ...] = EXTENSIONS


def pair_folders(
    labels: Folder,
    images: Folder,
    instances: Folder | None,
    partner_key: Callable[[str], str] = without_extension,
) -> Pairing:
    """Pairs the files of two or three folders whose `partner_key` (of the path below the folder) agree.

    Raises UserError where a folder is missing or empty; a file without partner is a line in `problems`.
    """
    problems: list[str] = []
    label_files = _by_key(labels, partner_key, problems)
    image_files = _by_key(images, partner_key, problems)
    instance_files = None if instances is None else _by_key(instances, partner_key, problems)

    pairs = []
    for name, label in label_files.items():
        if name not in image_files:
            problems.append(f"{label}: label map without image: add {name}.* to {images.path}, or remove it")
        elif instance_files is not None and name not in instance_files:
            problems.append(
                f"{label}: label map without instance map: add {name}.* to {instances.path}, "
                "or set data.use_instance=False"
            )
        else:
            pairs.append(Pair(label, image_files[name], instance_files[name] if instance_files else None))
    for name, image in image_files.items():
        if name not in label_files:
            problems.append(f"{image}: image without label map: add {name}.* to {labels.path}, or remove it")
    for name, instance in (instance_files or {}).items():
        if name not in label_files:
            problems.append(f"{instance}: instance map without label map: add {name}.* to {labels.path}, or remove it")
    return Pairing(pairs, problems)


def _by_key(folder: Folder, partner_key: Callable[[str], str], problems: list[str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for relative in list_images(folder.path, folder.key, folder.endings):
        name, path = partner_key(relative), os.path.join(folder.path, relative)
        if name in files:
            problems.append(f"{path}: pairs under the same name as {files[name]}: remove one of them")
        else:
            files[name] = path
    return files

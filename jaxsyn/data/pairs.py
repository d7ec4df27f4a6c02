"""Which image goes with which label map and instance map: files paired by name."""

import os
from collections.abc import Callable
from typing import NamedTuple

from jaxsyn.data.images import EXTENSIONS
from jaxsyn.data.listing import list_images, unread_namesake, without_extension
from jaxsyn.errors import printable


class Pair(NamedTuple):
    """The files of one record."""

    label: str
    image: str
    instance: str | None


class Pairing(NamedTuple):
    """The complete pairs of a split in natural order, and one line for each file that has no partner."""

    pairs: list[Pair]
    problems: list[str]


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
            problems.append(f"{label}: label map without image: {_remedy(name, images)}")
        elif instance_files is not None and name not in instance_files:
            problems.append(
                f"{label}: label map without instance map: {_remedy(name, instances)}, or set data.use_instance=False"
            )
        else:
            pairs.append(Pair(label, image_files[name], instance_files[name] if instance_files else None))
    for name, image in image_files.items():
        if name not in label_files:
            problems.append(f"{image}: image without label map: {_remedy(name, labels)}")
    for name, instance in (instance_files or {}).items():
        if name not in label_files:
            problems.append(f"{instance}: instance map without label map: {_remedy(name, labels)}")
    return Pairing(pairs, [printable(problem) for problem in problems])


def _remedy(name: str, folder: Folder) -> str:
    found = unread_namesake(folder.path, name, folder.endings)
    return f"add {name}.* to {folder.path}{f' ({found})' if found else ''}, or remove it"


def _by_key(folder: Folder, partner_key: Callable[[str], str], problems: list[str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for relative in list_images(folder.path, folder.key, folder.endings):
        name, path = partner_key(relative), os.path.join(folder.path, relative)
        if name in files:
            problems.append(f"{path}: pairs under the same name as {files[name]}: remove one of them")
        else:
            files[name] = path
    return files

"""Which files a folder of images holds."""

import os
import re
import unicodedata

from jaxsyn.data.images import EXTENSIONS
from jaxsyn.errors import UserError


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts digit runs as numbers, as SPADE does: `a2` before `a10`."""
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]


def without_extension(relative: str) -> str:
    """The pairing rule of most layouts: the path below the folder, extension aside.

    Letters with accents compare equal however their Unicode is composed, which differs between file systems.
    """
    return unicodedata.normalize("NFC", os.path.splitext(relative)[0])


def list_images(folder: str, key: str, endings: tuple[str, ...] = EXTENSIONS) -> list[str]:
    """Image files under `folder` (subfolders too), relative to it, in natural order; hidden files are left out.

    Links to folders are followed, but not back to a folder that they lie in. `key` is the config key that a message
    names. Raises UserError where the folder does not exist, cannot be listed or holds no image.
    """
    if not os.path.isdir(folder):
        raise UserError(f"{folder}: no such folder: correct {key}")
    found = []
    for directory, subfolders, names in os.walk(folder, onerror=_not_listed, followlinks=True):
        subfolders[:] = [name for name in subfolders if not _leads_back(directory, name)]
        below = os.path.relpath(directory, folder)
        found += [
            os.path.normpath(os.path.join(below, name))
            for name in names
            if not name.startswith(".") and name.lower().endswith(endings)
        ]
    if not found:
        raise UserError(f"{folder}: empty folder, no file ends in {', '.join(endings)}: fill it or correct {key}")
    return sorted(found, key=natural_key)


def unread_namesake(folder: str, name: str, endings: tuple[str, ...]) -> str | None:
    """What has a file's name, extension aside, in `folder` and is not read as an image: in words, or None."""
    directory, stem = os.path.split(os.path.join(folder, name))
    if not os.path.isdir(directory):
        return None
    with os.scandir(directory) as entries:
        for entry in entries:
            if without_extension(entry.name) != stem:
                continue
            if entry.is_dir():
                return f"{entry.name} there is a folder"
            if not entry.name.lower().endswith(endings):
                return f"{entry.name} there ends in none of {', '.join(endings)}"
    return None


def _not_listed(error: OSError) -> None:
    raise UserError(f"{error.filename}: folder cannot be listed ({error.strerror}): give access to it, or remove it")


def _leads_back(directory: str, name: str) -> bool:
    path = os.path.join(directory, name)
    if not os.path.islink(path):
        return False
    target, own = os.path.realpath(path), os.path.realpath(directory)
    return os.path.commonpath([target, own]) == target

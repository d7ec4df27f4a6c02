"""What to say about an image file that does not open or decode."""

import os
import re
import stat

from PIL import Image

_REPLACE = "replace the file or remove the pair"
# Beginnings of files that often carry an image's name and are none that Pillow reads: what they are, and the remedy.
_KINDS = {
    b"version https://git-lfs": ("a Git LFS pointer", "run `git lfs pull`"),
    b"%PDF": ("a PDF", "save its pages as PNG"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it"),
    b"\x93NUMPY": ("a NumPy array", "save it as PNG"),
    b"\x89HDF": ("an HDF5 file", "save its arrays as PNG"),
}


def require_file(path: str) -> str | None:
    """Why `path` is not a file whose bytes can be read, or None. A named pipe, say, would be waited on for ever."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            return (
                f"{path}: a symbolic link to {os.readlink(path)}, which does not exist: "
                "restore that file or remove the link"
            )
        return f"{path}: no such file: it was there when the folder was listed, restore it"
    except OSError as error:
        kind = "a symbolic link that does not lead to a file" if os.path.islink(path) else "not readable"
        return f"{path}: {kind} ({error.strerror}): restore the file or remove the pair"
    if stat.S_ISDIR(mode):
        return f"{path}: a folder with the name of an image: rename it, or put the image there"
    if not stat.S_ISREG(mode):
        return f"{path}: neither a file nor a folder (a pipe, socket or device): put the image there"
    return None


def explain(path: str, error: Exception) -> str:
    """One line on why Pillow could not open or decode the file, with what was found in it and the remedy."""
    if gone := require_file(path):
        return gone
    if isinstance(error, PermissionError):
        return f"{path}: no permission to read it: chmod u+r, or run as the user who owns it"
    if isinstance(error, Image.DecompressionBombError):
        pixels = re.search(r"\d+", str(error))
        found = f"{int(pixels.group()):,} pixels" if pixels else "too many pixels"
        return f"{path}: image of {found}, more than the {2 * Image.MAX_IMAGE_PIXELS:,} that are read: store it smaller"
    reason, remedy = " ".join(str(error).split()).replace(str(path), "the file") or type(error).__name__, _REPLACE
    if isinstance(error, Image.UnidentifiedImageError):
        reason, remedy = _kind(path)
    size = os.path.getsize(path)
    return f"{path}: truncated or unreadable image of {size} bytes ({reason}): {remedy}"


def _kind(path: str) -> tuple[str, str]:
    with open(path, "rb") as file:
        beginning = file.read(64)
    for magic, kind in _KINDS.items():
        if beginning.startswith(magic):
            return kind
    if beginning[4:8] == b"ftyp":
        return "HEIF or a film, which Pillow does not read", "save it as JPEG or PNG"
    if not beginning:
        return "an empty file", _REPLACE
    if not beginning.strip(b"\0"):
        return "begins with zeros, as an interrupted copy does", _REPLACE
    if all(9 <= byte <= 13 or 32 <= byte < 127 for byte in beginning):
        return f"text: {beginning[:24].decode('ascii').strip()!r}", _REPLACE
    return "of no format that Pillow reads", _REPLACE

"""Broken and unusual image files, each made beside sound ones in a data set of SPADE's layout.

A maker takes the data set's folder and the name of a pair, which is sound, and spoils it or replaces one of its files;
it returns the file that has to be named where the pair is refused.
"""

import os
import struct
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 12, 20
_ROWS, _COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
PICTURE = np.stack([12 * _COLUMNS, 20 * _ROWS, np.full((HEIGHT, WIDTH), 90)], -1).astype(np.uint8)
GREY = (12 * _COLUMNS).astype(np.uint8)
LABEL = (_COLUMNS // 5 + (_ROWS > 5)).astype(np.uint8)  # 0 to 4
INSTANCE = (1000 * LABEL.astype(np.int64) + _ROWS // 4).astype(np.uint16)
_KINDS = ("img", "label", "inst")

Maker = Callable[[Path, str], Path]


def sound_pair(root: Path, name: str, split: str = "train") -> None:
    """An image, a label map and an instance map, 20x12 pixels, classes 0 to 4."""
    for kind, pixels in zip(_KINDS, (PICTURE, LABEL, INSTANCE), strict=True):
        (root / f"{split}_{kind}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / f"{split}_{kind}" / f"{name}.png")


def path(root: Path, kind: str, name: str, ending: str = ".png") -> Path:
    """The file of a pair."""
    return root / f"train_{kind}" / f"{name}{ending}"


def picture(kind: str, image: Image.Image | np.ndarray, ending: str = ".png", **options) -> Maker:
    """Stores a picture in the place of the image ("img"), label map ("label") or instance map ("inst")."""

    def make(root: Path, name: str) -> Path:
        path(root, kind, name).unlink()
        file = path(root, kind, name, ending)
        (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, **options)
        return file

    return make


def content(kind: str, data: bytes, ending: str = ".png") -> Maker:
    """Stores bytes likewise."""

    def make(root: Path, name: str) -> Path:
        path(root, kind, name).unlink()
        file = path(root, kind, name, ending)
        file.write_bytes(data)
        return file

    return make


def changed(maker: Maker, change: Callable[[bytes], bytes]) -> Maker:
    """What `maker` stores, with its bytes changed."""

    def make(root: Path, name: str) -> Path:
        file = maker(root, name)
        file.write_bytes(change(file.read_bytes()))
        return file

    return make


def linked(kind: str, target: str) -> Maker:
    """A symbolic link in the place of a file; `{self}` in `target` is its own name."""

    def make(root: Path, name: str) -> Path:
        file = path(root, kind, name)
        file.unlink()
        file.symlink_to(target.replace("{self}", file.name))
        return file

    return make


def pipe(root: Path, name: str) -> Path:
    """A named pipe, from which a reader waits for ever."""
    path(root, "img", name).unlink()
    os.mkfifo(path(root, "img", name))
    return path(root, "img", name)


def folder(kind: str) -> Maker:
    """A folder with the name of an image; the label map is then alone."""

    def make(root: Path, name: str) -> Path:
        path(root, kind, name).unlink()
        path(root, kind, name).mkdir()
        return path(root, "label" if kind == "img" else "img", name)

    return make


def unread(ending: str) -> Maker:
    """An image with an ending that is not read; the label map is then alone."""

    def make(root: Path, name: str) -> Path:
        path(root, "img", name).rename(path(root, "img", name, ending))
        return path(root, "label", name)

    return make


def missing(kind: str, named: str) -> Maker:
    """One file less; that of the kind `named` is then alone."""

    def make(root: Path, name: str) -> Path:
        path(root, kind, name).unlink()
        return path(root, named, name)

    return make


def twice(root: Path, name: str) -> Path:
    """A second image of the same name."""
    Image.fromarray(PICTURE).save(path(root, "img", name, ".bmp"))
    return path(root, "img", name)  # which of the two is left out is the order's business


def forbidden(root: Path, name: str) -> Path:
    """A file that its owner may not read."""
    path(root, "img", name).chmod(0)
    return path(root, "img", name)


def renamed(new: str | bytes, *kinds: str) -> Maker:
    """The files of a pair under another name, `{name}` in which is theirs."""

    def make(root: Path, name: str) -> Path:
        stem = os.fsdecode(new).replace("{name}", name)
        for kind in kinds or _KINDS:
            path(root, kind, name).rename(path(root, kind, stem))
        return path(root, "img", stem)

    return make


def composed(root: Path, name: str) -> Path:
    """An image whose name has its accents apart, as one file system writes them, and maps as another does."""
    for kind, form in zip(_KINDS, ("NFD", "NFC", "NFC"), strict=True):
        path(root, kind, name).rename(path(root, kind, unicodedata.normalize(form, f"{name}é")))
    return path(root, "img", unicodedata.normalize("NFD", f"{name}é"))


def both(*makers: Maker) -> Maker:
    """One after the other; the file of the first is named."""

    def make(root: Path, name: str) -> Path:
        files = [maker(root, name) for maker in makers]
        return files[0]

    return make


def through_a_link(root: Path, name: str) -> Path:
    """Files that are links to others elsewhere."""
    (root / "elsewhere").mkdir(exist_ok=True)
    for kind in _KINDS:
        there = root / "elsewhere" / f"{name}_{kind}.png"
        path(root, kind, name).rename(there)
        path(root, kind, name).symlink_to(there)
    return path(root, "img", name)


def circle_of_folders(root: Path, name: str) -> Path:
    """A link back to the folder that it lies in."""
    (root / "train_img" / "again").symlink_to(root / "train_img")
    return path(root, "img", name)


def hidden_file(root: Path, name: str) -> Path:
    """What macOS leaves beside a file on other file systems."""
    (root / "train_img" / f"._{name}.png").write_bytes(b"\0\5\x16\7")
    return path(root, "img", name)


def oriented(pixels: np.ndarray, orientation: int) -> Maker:
    """A JPEG with an EXIF orientation."""
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = orientation
    return picture("img", image, ".jpg", exif=exif, quality=95)


def animation(kind: str, first: np.ndarray, ending: str, **options) -> Maker:
    """Two frames, of which the second is black."""
    return picture(
        kind,
        Image.fromarray(first),
        ending,
        save_all=True,
        append_images=[Image.fromarray(np.zeros_like(first))],
        **options,
    )


def png(height: int, width: int, depth: int, colour_type: int, rows: bytes, interlaced: bool = False) -> bytes:
    """A PNG of samples that Pillow does not write; `rows` are filtered, uncompressed scan lines."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def packed(ids: np.ndarray, depth: int) -> bytes:
    """A grey PNG of 1, 2 or 4 bits a pixel."""
    bits = np.unpackbits(ids[..., None], axis=-1)[..., 8 - depth :].reshape(len(ids), -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in bits)
    return png(*ids.shape, depth, 0, rows)


def interlaced(pixels: np.ndarray) -> bytes:
    """An RGB PNG in Adam7's seven passes."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = b"".join(
        b"\0" + row.tobytes() for top, left, down, right in passes for row in pixels[top::down, left::right] if row.size
    )
    return png(*pixels.shape[:2], 8, 2, rows, interlaced=True)

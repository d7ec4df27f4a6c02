"""Reading one image, label map or instance map, with every check of a bad file.

EXIF orientation is applied to nothing: label maps are drawn on the stored pixels, and the authors' loaders ignore it.
JPEGs are decoded at full size (Pillow's draft mode would change the numbers of a resize).
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from jaxsyn.errors import UserError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".tif", ".tiff", ".webp")

_DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
_ID_MODES = ("1", "L", "I", "I;16", "I;16B", "I;16L")
_ORIENTATION_TAG = 0x0112


class Header(NamedTuple):
    """What a file says of itself before its pixels are decoded."""

    mode: str
    format: str
    height: int
    width: int
    orientation: int


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as picture:
            yield picture
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: it was there when the folder was listed, restore it") from None
    except _DECODE_ERRORS as error:
        size = os.path.getsize(path) if os.path.isfile(path) else 0
        reason = " ".join(str(error).split()).replace(str(path), "the file")
        raise UserError(
            f"{path}: truncated or unreadable image of {size} bytes ({reason}): replace the file or remove the pair"
        ) from None


def _header(picture: Image.Image) -> Header:
    width, height = picture.size
    # Only JPEG and its kin turn pictures by this tag in practice; asking a PNG for it would decode the whole file.
    orientation = picture.getexif().get(_ORIENTATION_TAG, 1) if picture.format in ("JPEG", "MPO", "TIFF") else 1
    return Header(picture.mode, picture.format or "", height, width, orientation)


def read_header(path: str) -> Header:
    """Mode, format and size of an image file, without decoding it. Raises UserError where it is unreadable."""
    with _opened(path) as picture:
        return _header(picture)


def check_photograph(path: str, header: Header) -> None:
    """Raises UserError where an image is not an 8-bit photograph."""
    if header.mode.startswith(("I", "F")):
        raise UserError(f"{path}: image of Pillow mode {header.mode}, more than 8 bits a channel: save it as 8-bit RGB")


def check_id_map(path: str, header: Header, kind: str, palette: bool) -> None:
    """Raises UserError where a label map or instance map (`kind`) does not hold one id a pixel.

    `palette`: the indices of palette images are the ids.
    """
    if header.format in ("JPEG", "MPO"):
        raise UserError(f"{path}: {kind} saved as JPEG, which changes ids: save it as a single-channel PNG")
    if header.mode in _ID_MODES or (palette and header.mode == "P"):
        return
    if header.mode == "P":
        raise UserError(
            f"{path}: {kind} is a palette image (mode P): "
            "set data.palette_labels=True if its indices are the ids, else save ids as a single-channel PNG"
        )
    raise UserError(
        f"{path}: {kind} is colour-coded (mode {header.mode}): "
        "convert the colours to ids and save them as a single-channel PNG"
    )


def read_image(path: str) -> np.ndarray:
    """A photograph as uint8 `[H, W, 3]`; grey, palette and CMYK become RGB, transparency is dropped."""
    with _opened(path) as picture:
        check_photograph(path, _header(picture))
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def read_id_map(path: str, kind: str, palette: bool = False) -> np.ndarray:
    """A label map or instance map (`kind`, for messages) as integers `[H, W]`: uint8, uint16 or int32 as stored."""
    with _opened(path) as picture:
        check_id_map(path, _header(picture), kind, palette)
        ids = np.asarray(picture)
    if ids.dtype == bool:
        return ids.astype(np.uint8)
    return ids.astype(ids.dtype.newbyteorder("="), copy=False)


def check_same_size(image_path: str, image: Header, path: str, ids: Header, kind: str) -> None:
    """Raises UserError where an image and its label map or instance map differ in size."""
    if (image.height, image.width) == (ids.height, ids.width):
        return
    turned = image.orientation >= 5 and (image.height, image.width) == (ids.width, ids.height)
    remedy = (
        f"the image carries EXIF orientation {image.orientation}, which is not applied: store it upright"
        if turned
        else f"make the {kind} again at the size of the image"
    )
    raise UserError(
        f"{path}: {kind} of {ids.width}x{ids.height} for the image {image_path} of {image.width}x{image.height} "
        f"(width x height): {remedy}"
    )

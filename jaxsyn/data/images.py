"""Reading one image, label map or instance map, with every check of a bad file.

JPEGs are decoded at full size (Pillow's draft mode would change the numbers of a resize). Of an animation or a file of
several pages the first picture is read.
"""

import contextlib
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps

from jaxsyn.data.image_kinds import SIXTEEN_BIT, Header, check_id_map, check_photograph
from jaxsyn.data.unreadable import explain, require_file
from jaxsyn.errors import UserError

EXTENSIONS = (".jpg", ".jpeg", ".jfif", ".png", ".ppm", ".pgm", ".bmp", ".gif", ".tif", ".tiff", ".webp")

_DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
_ORIENTATION_TAG = 0x0112
# By what Pillow multiplies grey samples of fewer than 8 bits, so that the largest becomes white.
_WIDENED = {"L;2": 85, "L;4": 17}


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    obstacle = require_file(path)
    if obstacle:
        raise UserError(obstacle)
    try:
        with Image.open(path) as picture:
            yield picture
    except UserError:
        raise
    except _DECODE_ERRORS as error:
        raise UserError(explain(path, error)) from None


def _header(picture: Image.Image) -> Header:
    width, height = picture.size
    frames = 1 + bool(getattr(picture, "is_animated", False))
    return Header(picture.mode, picture.format or "", height, width, _orientation(picture), frames)


def _orientation(picture: Image.Image) -> int:
    # Only JPEG and its kin turn pictures by this tag in practice; asking a PNG for it would decode the whole file.
    if picture.format not in ("JPEG", "MPO", "TIFF"):
        return 1
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
    except _DECODE_ERRORS:  # the tags are damaged, not the pixels
        return 1
    return orientation if orientation in range(1, 9) else 1


def read_header(path: str) -> Header:
    """What an image file says of itself, without decoding it. Raises UserError where it is unreadable."""
    with _opened(path) as picture:
        return _header(picture)


def read_image(path: str, upright: bool = False) -> np.ndarray:
    """A photograph as uint8 `[H, W, 3]`.

    Grey, palette, CMYK and transparent pictures become RGB (transparency is dropped), 16 bits become their upper 8.

    Args:
        upright: whether to turn the picture by its EXIF orientation.
    """
    with _opened(path) as picture:
        header = _header(picture)
        check_photograph(path, header)
        if upright and header.orientation != 1:
            picture = ImageOps.exif_transpose(picture)
        if header.mode in SIXTEEN_BIT:
            # Pillow's own conversion cuts values above 255 off; of colours it takes the upper 8 bits itself.
            return np.repeat((np.asarray(picture) >> 8).astype(np.uint8)[..., None], 3, axis=-1)
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def read_id_map(path: str, kind: str, palette: bool = False) -> np.ndarray:
    """A label map or instance map (`kind`, for messages) as integers `[H, W]`: uint8, uint16 or int32 as stored.

    Ids of 1, 2 or 4 bits are the stored numbers.
    """
    with _opened(path) as picture:
        check_id_map(path, _header(picture), kind, palette)
        widened = _WIDENED.get(_raw_mode(picture), 1)
        ids = np.asarray(picture)
    if ids.dtype == bool:
        return ids.astype(np.uint8)
    return ids // widened if widened > 1 else ids.astype(ids.dtype.newbyteorder("="), copy=False)


def _raw_mode(picture: Image.Image) -> str:
    """How the samples lie in the file, by Pillow's name; "" where it is not told."""
    arguments = picture.tile[0][3] if picture.tile else ""
    return arguments if isinstance(arguments, str) else str(next(iter(arguments or ()), ""))

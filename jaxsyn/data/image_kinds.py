"""Which kinds of images are read, converted or refused; docs/data.md is the table."""

from typing import NamedTuple

from jaxsyn.errors import UserError

_LOSSY = ("JPEG", "MPO")
SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N")
ID_MODES = ("1", "L", "I", *SIXTEEN_BIT)
PHOTOGRAPH_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", *SIXTEEN_BIT)
_NUMBERS = {"I": "32-bit integers", "F": "floating-point numbers"}


class Header(NamedTuple):
    """What a file says of itself before its pixels are decoded.

    Attributes:
        orientation: the EXIF orientation, 1 to 8; 1 is upright.
        frames: how many pictures it holds, as far as is told without reading it all: 1, or 2 for any more.
    """

    mode: str
    format: str
    height: int
    width: int
    orientation: int
    frames: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) as stored."""
        return self.height, self.width

    def upright(self) -> "Header":
        """The header of the picture after its EXIF orientation is applied."""
        height, width = self.size[::-1] if self.orientation >= 5 else self.size
        return self._replace(height=height, width=width, orientation=1)


def check_photograph(path: str, header: Header) -> None:
    """Raises UserError where an image is not one whose 8 bits a channel are known."""
    if header.mode in PHOTOGRAPH_MODES:
        return
    numbers = f", {_NUMBERS[header.mode]} of unknown range" if header.mode in _NUMBERS else ""
    raise UserError(f"{path}: image of Pillow mode {header.mode}{numbers}: save it as 8-bit RGB")


def check_id_map(path: str, header: Header, kind: str, palette: bool) -> None:
    """Raises UserError where a label map or instance map (`kind`) does not hold one id a pixel.

    `palette`: the indices of palette images are the ids.
    """
    if header.format in _LOSSY:
        raise UserError(f"{path}: {kind} saved as JPEG, which changes ids: save it as a single-channel PNG")
    if header.frames > 1:
        raise UserError(f"{path}: {kind} with several frames: save the right one as a single-channel PNG")
    if header.mode in ID_MODES or (palette and header.mode == "P"):
        return
    if header.mode == "P":
        raise UserError(
            f"{path}: {kind} is a palette image (mode P): "
            "set data.palette_labels=True if its indices are the ids, else save ids as a single-channel PNG"
        )
    if header.mode == "F":
        raise UserError(f"{path}: {kind} of floating-point numbers (mode F): save ids as a single-channel integer PNG")
    raise UserError(
        f"{path}: {kind} is colour-coded (mode {header.mode}): "
        "convert the colours to ids and save them as a single-channel PNG"
    )


def is_drawn_upright(image: Header, ids: tuple[int, int]) -> bool:
    """Whether a map of size `ids` (height, width) fits an image only after the image's EXIF orientation is applied.

    Maps that fit the stored pixels belong to those: the released data sets' do, and the authors' loaders ignore the
    orientation. A drawing tool that showed the picture upright leaves a map of the turned size.
    """
    return ids != image.size and ids == image.upright().size


def check_same_size(image_path: str, image: Header, path: str, ids: tuple[int, int], kind: str) -> None:
    """Raises UserError where a map (`kind`) of size `ids` (height, width) fits an image neither stored nor upright."""
    if ids == image.size or is_drawn_upright(image, ids):
        return
    raise UserError(
        f"{path}: {kind} of {ids[1]}x{ids[0]} for the image {image_path} of {image.width}x{image.height} "
        f"(width x height): make the {kind} again at the size of the image"
    )

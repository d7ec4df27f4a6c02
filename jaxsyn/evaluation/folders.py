"""A folder of images as batches of one shape, with every bad file an error that names it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from jaxsyn.data.image_kinds import SIXTEEN_BIT, check_photograph
from jaxsyn.data.images import EXTENSIONS, read_header, read_image
from jaxsyn.errors import UserError


class Batch(NamedTuple):
    """images: uint8 [B, H, W, 3], zeros where mask, bool [B], is False: rows that fill up the last batch."""

    images: np.ndarray
    mask: np.ndarray


class ImageFolder:
    """The images below a folder, sorted by their path in it.

    Grey and palette images become RGB; an alpha channel is dropped where it is opaque, else an error.
    resize: height and width to bring every image to, with Pillow's antialiased bicubic; None: all sizes must agree.
    Raises UserError for a folder with fewer than two images, or images of different sizes.
    """

    def __init__(self, root: str | Path, resize: tuple[int, int] | None = None):
        self.root = Path(root)
        if not self.root.is_dir():
            raise UserError(f"{root}: no such folder; give a folder of images")
        files = (file for file in self.root.rglob("*") if file.suffix.lower() in EXTENSIONS and file.is_file())
        self.files = sorted(files, key=lambda file: file.relative_to(self.root).as_posix())
        if len(self.files) < 2:
            raise UserError(f"{root}: {len(self.files)} images ({', '.join(EXTENSIONS)}); measuring needs at least 2")
        self.resize = resize
        self.height, self.width = resize or self._common_size()

    def __len__(self) -> int:
        return len(self.files)

    @property
    def names(self) -> list[str]:
        """Each image's path in the folder without its suffix: what pairs images of two folders."""
        return [file.relative_to(self.root).with_suffix("").as_posix() for file in self.files]

    def batches(self, size: int) -> Iterator[Batch]:
        """Batches of exactly `size` images in order; the last one is filled up and masked."""
        for start in range(0, len(self.files), size):
            images = np.zeros((size, self.height, self.width, 3), np.uint8)
            files = self.files[start : start + size]
            for row, file in enumerate(files):
                images[row] = self._read(file)
            yield Batch(images, np.arange(size) < len(files))

    def _common_size(self) -> tuple[int, int]:
        first = read_header(str(self.files[0]))
        for file in self.files[1:]:
            header = read_header(str(file))
            if (header.height, header.width) != (first.height, first.width):
                raise UserError(
                    f"{file}: {header.width}x{header.height} pixels, but {self.files[0].name} has "
                    f"{first.width}x{first.height}: bring all to one size with --resize HEIGHT WIDTH"
                )
        return first.height, first.width

    def _read(self, file: Path) -> np.ndarray:
        header = read_header(str(file))
        check_photograph(str(file), header)
        if header.mode in SIXTEEN_BIT:
            raise UserError(f"{file}: 16 bits a channel, and images are compared in 8 bits: save it as 8-bit RGB")
        image = read_image(str(file))
        with Image.open(file) as picture:
            if picture.has_transparency_data and picture.convert("RGBA").getchannel("A").getextrema()[0] < 255:
                raise UserError(f"{file}: transparent pixels have no colour to compare; save it as RGB on a background")
        if self.resize is not None:
            image = np.asarray(Image.fromarray(image).resize(self.resize[::-1], Image.BICUBIC))
        if image.shape[:2] != (self.height, self.width):
            raise UserError(f"{file}: changed while it was read; start again")
        return image


def require_pairs(real: ImageFolder, fake: ImageFolder, metrics: list[str]) -> None:
    """Raises UserError unless the folders hold images of the same names and size, as paired `metrics` compare them."""
    asked = ", ".join(metrics)
    if len(real) != len(fake):
        raise UserError(
            f"{asked} compare pairs: {real.root} has {len(real)} images, {fake.root} {len(fake)}; pair them up"
        )
    for name_real, name_fake in zip(real.names, fake.names, strict=True):
        if name_real != name_fake:
            raise UserError(f"{asked} compare pairs by name: {real.root / name_real} has no partner in {fake.root}")
    if (real.height, real.width) != (fake.height, fake.width):
        raise UserError(
            f"{asked} compare pairs of one size: {real.root} is {real.width}x{real.height}, "
            f"{fake.root} {fake.width}x{fake.height}; set --resize HEIGHT WIDTH"
        )

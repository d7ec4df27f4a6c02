"""SPADE's preprocessing: resize, crop and flip an image with the maps that belong to it, and the batch form.

The geometry is that of the authors' loader (github NVlabs/SPADE, data/base_dataset.py): Pillow's bicubic filter for
images, Pillow's nearest (source floor((i + .5) in / out)) for labels and instances, one crop and one flip for all.
Position maps go with the labels, pixel by pixel. It differs in four places.
- scale_shortside and scale_shortside_and_crop: the authors compute the long side for a short side of load_size, then
  leave the short side at its ORIGINAL length, in the resize and in the range of the crop's offset, so that pictures are
  distorted and a crop can leave them; here the short side becomes load_size and the offset is drawn from that size.
- A crop larger than the resized picture, and a mode whose result is not exactly height x width, are errors here;
  the authors fill with black, or fail when they batch.
- height and width may differ in every mode: resize_and_crop resizes to a width of load_size and the height that keeps
  the target's aspect ratio (a square of load_size, as theirs, when the target is square).
- A flip mirrors a position map and negates its column offsets; CLADE's loader turns it upside down instead, with all
  signs kept, and resizes it by another rule than the labels (source floor(i in / out)).
One mode is not SPADE's: centre_crop_and_resize is StarGAN's, which resizes by a bilinear filter.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image

from jaxsyn.data.random_window import RandomWindow
from jaxsyn.errors import UserError

MODES = (
    "resize_and_crop",
    "crop",
    "scale_width",
    "scale_width_and_crop",
    "scale_shortside",
    "scale_shortside_and_crop",
    "fixed",
    "none",
    "centre_crop_and_resize",
)

# What has a value for every pixel, beside "position", which resizes by a rule of its own.
PIXELS = ("image", "source", "label", "instance", "sketch")

_BYTE_TO_UNIT = np.arange(256, dtype=np.float32) / np.float32(127.5) - np.float32(1)


class Preprocess(NamedTuple):
    """A preprocess mode with its sizes in pixels.

    For evaluation nothing is random: no flip, the crop is the centre, resize_and_crop resizes straight to height x
    width, and the other scaling crops take the smallest size that covers height x width, aspect ratio kept. With a
    square target that is the authors' test phase, where load_size equals crop_size (theirs still draws the crop).

    In training, `window` may cut the picture first.
    """

    mode: str
    height: int
    width: int
    load_size: int
    flip: bool
    window: RandomWindow | None = None

    def random(self, record: dict, rng: np.random.Generator) -> dict:
        """The record as training sees it, with window, crop and flip drawn from `rng`."""
        if self.window:
            record = _cut(record, self.window.draw(*record["image"].shape[:2], rng))
        return self.place(self.resize(record), rng)

    def resize(self, record: dict) -> dict:
        """The record as it is before the crop in training, which nothing random has a part in but `window`."""
        record = self._middle(record)
        return _resize(record, self.resized_size(*record["image"].shape[:2], record["name"]))

    def place(self, record: dict, rng: np.random.Generator) -> dict:
        """A resized record with crop and flip drawn from `rng`."""
        height, width = record["image"].shape[:2]
        top = int(rng.integers(0, height - self.height, endpoint=True))
        left = int(rng.integers(0, width - self.width, endpoint=True))
        mirrored = bool(rng.random() > 0.5) and self.flip
        return self._crop(record, top, left, mirrored)

    def centre(self, record: dict) -> dict:
        """The record as evaluation sees it, with nothing random."""
        record = self._middle(record)
        height, width = self.evaluation_size(*record["image"].shape[:2], record["name"])
        resized = _resize(record, (height, width))
        return self._crop(resized, (height - self.height) // 2, (width - self.width) // 2, False)

    def resized_size(self, height: int, width: int, name: str) -> tuple[int, int]:
        """(height, width) before the crop, in training. Raises UserError where the crop does not fit."""
        match self.mode:
            case "resize_and_crop":
                size = (round(self.load_size * self.height / self.width), self.load_size)
            case "scale_width" | "scale_width_and_crop":
                size = (int(self.load_size * height / width), self.load_size)
            case "scale_shortside" | "scale_shortside_and_crop":
                size = _scale_shortside(height, width, self.load_size)
            case "fixed" | "centre_crop_and_resize":
                size = (self.height, self.width)
            case "none":
                size = (round(height / 32) * 32, round(width / 32) * 32)
            case "crop":
                size = (height, width)
            case _:
                raise UserError(f"data.preprocess={self.mode}: no such mode, choose one of {', '.join(MODES)}")
        self._check_fits(size, height, width, name)
        return size

    def evaluation_size(self, height: int, width: int, name: str) -> tuple[int, int]:
        """(height, width) before the centre crop, in evaluation. Raises UserError where the crop does not fit."""
        match self.mode:
            case "resize_and_crop":
                return self.height, self.width
            case "scale_width_and_crop" | "scale_shortside_and_crop":
                short = min(height, width)
                covering = max(-(-self.height * short // height), -(-self.width * short // width))
                return _scale_shortside(height, width, covering)
            case _:
                return self.resized_size(height, width, name)

    def _check_fits(self, size: tuple[int, int], height: int, width: int, name: str) -> None:
        if size[0] * size[1] > 2 * Image.MAX_IMAGE_PIXELS:  # what Pillow would refuse to read
            raise UserError(
                f"{name}: {width}x{height} becomes {size[1]}x{size[0]} with data.preprocess={self.mode}, too large to "
                "make (width x height): leave so narrow a picture out, or use data.preprocess=fixed"
            )
        crops = "crop" in self.mode
        if size == (self.height, self.width) or (crops and size[0] >= self.height and size[1] >= self.width):
            return
        needed = f"crop of {self.width}x{self.height}" if crops else f"batch of {self.width}x{self.height}"
        loads = "scale" in self.mode or self.mode == "resize_and_crop"
        load_size = f", data.load_size={self.load_size}" if loads else ""
        remedy = "raise data.load_size or use" if crops and loads else "set data.height and data.width, or use"
        raise UserError(
            f"{name}: {width}x{height} becomes {size[1]}x{size[0]} with data.preprocess={self.mode}{load_size}, which "
            f"does not fit the {needed} (width x height): {remedy} data.preprocess=fixed or resize_and_crop"
        )

    def _middle(self, record: dict) -> dict:
        """The largest part in the middle that has the target's shape, for centre_crop_and_resize; else all of it."""
        if self.mode != "centre_crop_and_resize":
            return record
        height, width = record["image"].shape[:2]
        scale = min(height / self.height, width / self.width)
        rows, columns = round(self.height * scale), round(self.width * scale)
        top, left = round((height - rows) / 2), round((width - columns) / 2)
        return _cut(record, (slice(top, top + rows), slice(left, left + columns)))

    def _crop(self, record: dict, top: int, left: int, mirrored: bool) -> dict:
        out = _cut(record, (slice(top, top + self.height), slice(left, left + self.width)))
        if mirrored:
            out |= {key: out[key][:, ::-1] for key in PIXELS if key in out}
            if "position" in out:
                out["position"] = out["position"][:, ::-1] * np.float32((1, -1))
        return out


def _cut(record: dict, window: tuple[slice, slice]) -> dict:
    return {key: value[window] if key in (*PIXELS, "position") else value for key, value in record.items()}


def _resize(record: dict, size: tuple[int, int]) -> dict:
    rules = dict.fromkeys(PIXELS, resize_ids) | {"image": resize_image, "source": resize_image}
    rules["position"] = resize_positions
    return {key: rules[key](value, size) if key in rules else value for key, value in record.items()}


def _scale_shortside(height: int, width: int, short: int) -> tuple[int, int]:
    if width <= height:
        return int(short * height / width), short
    return short, int(short * width / height)


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 `[H, W, 3]` to `size` (height, width) by Pillow's bicubic filter, which widens when shrinking."""
    if image.shape[:2] == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC))


def resize_ids(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Integer ids `[H, W]` to `size` (height, width) by Pillow's nearest; the dtype stays."""
    if ids.shape == size:
        return ids
    picture = Image.fromarray(ids if ids.dtype == np.uint8 else ids.astype(np.int32))
    return np.asarray(picture.resize(size[::-1], Image.Resampling.NEAREST)).astype(ids.dtype)


def resize_positions(positions: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float32 `[H, W, 2]` to `size` (height, width): each pixel takes the value of that which its label comes from."""
    if positions.shape[:2] == size:
        return positions
    channels = [Image.fromarray(np.ascontiguousarray(positions[..., i])) for i in (0, 1)]
    return np.stack([np.asarray(c.resize(size[::-1], Image.Resampling.NEAREST)) for c in channels], axis=-1)


def to_batch_form(batch: dict) -> dict:
    """Images uint8 to float32 in [-1, 1] (x / 127.5 - 1), sketches `[B, H, W]` to float32 `[B, H, W, 1]` in [0, 1], ids
    to int32; other keys pass.

    Every array is copied: those of worker processes lie in shared memory that is reclaimed.
    """
    out = {}
    for key, values in batch.items():
        if key in ("image", "source", "second_image", "domain_image"):
            out[key] = _BYTE_TO_UNIT[values]
        elif key in ("label", "instance", "domain", "source_domain", "attributes", "source_attributes"):
            out[key] = np.array(values, np.int32)
        elif key == "sketch":
            out[key] = values[..., None] / np.float32(255)
        else:
            out[key] = np.array(values)
    return out

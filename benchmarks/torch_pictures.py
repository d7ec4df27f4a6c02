"""SPADE's training transforms over label maps as a torch data set, for `benchmarks.pipeline` to compare with.

What the authors' loader does with `resize_and_crop`, file by file, with Pillow and torch: decode, bicubic or nearest
resize, crop, flip, ToTensor, Normalize; label maps become floats and integers again, as theirs do.
"""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from jaxsyn.data.pairs import Pair


class TorchPictures(torch.utils.data.Dataset):
    """Records {"image", "label", "instance"} of paired files, as tensors."""

    def __init__(self, pairs: Sequence[Pair], load_size: int, crop_size: int, num_classes: int):
        self.pairs, self.load_size, self.crop_size, self.num_classes = list(pairs), load_size, crop_size, num_classes

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, Any]:
        pair = self.pairs[index]
        corner = [random.randint(0, self.load_size - self.crop_size) for _ in range(2)]
        place = (*corner, random.random() > 0.5)
        label = to_tensor(self._placed(Image.open(pair.label), place, Image.Resampling.NEAREST)) * 255
        label[label == 255] = self.num_classes
        image = to_tensor(self._placed(Image.open(pair.image).convert("RGB"), place, Image.Resampling.BICUBIC))
        record = {"label": label, "image": image.sub_(0.5).div_(0.5)}
        if pair.instance:
            instance = Image.open(pair.instance)
            tensor = to_tensor(self._placed(instance, place, Image.Resampling.NEAREST))
            record["instance"] = (tensor * 255).long() if instance.mode == "L" else tensor
        return record

    def _placed(self, picture: Image.Image, place: tuple[int, int, bool], method: Image.Resampling) -> Image.Image:
        left, top, mirrored = place
        picture = picture.resize((self.load_size, self.load_size), method)
        picture = picture.crop((left, top, left + self.crop_size, top + self.crop_size))
        return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else picture


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """torchvision's ToTensor: bytes as float32 [C, H, W] in [0, 1], wider integers as they are."""
    array = np.array(picture)
    tensor = torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1).contiguous()
    return tensor.to(torch.float32).div(255) if tensor.dtype == torch.uint8 else tensor.to(torch.int32)

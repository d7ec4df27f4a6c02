"""Random windows of training pictures, as torchvision draws them (Szegedy et al., CVPR 2015, section 6)."""

import math
from typing import NamedTuple

import numpy as np

ATTEMPTS = 10


class RandomWindow(NamedTuple):
    """What share of pictures is cut to a window, and the ranges of the window's share of the area and aspect ratio."""

    share: float
    area: tuple[float, float]
    aspect: tuple[float, float]

    def draw(self, height: int, width: int, rng: np.random.Generator) -> tuple[slice, slice]:
        """Rows and columns of a picture: all of it for those that are not cut.

        Where none of ten draws fits into the picture, the largest part in its middle of an allowed aspect ratio.
        """
        if rng.random() >= self.share:
            return slice(0, height), slice(0, width)
        for _ in range(ATTEMPTS):
            area = height * width * rng.uniform(*self.area)
            aspect = math.exp(rng.uniform(*map(math.log, self.aspect)))
            rows, columns = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
            if 0 < rows <= height and 0 < columns <= width:
                top, left = (int(rng.integers(0, room, endpoint=True)) for room in (height - rows, width - columns))
                return slice(top, top + rows), slice(left, left + columns)
        rows, columns = min(height, round(width / self.aspect[0])), min(width, round(height * self.aspect[1]))
        top, left = (height - rows) // 2, (width - columns) // 2
        return slice(top, top + rows), slice(left, left + columns)

"""What a scene holds and where: the camera and the placed objects, before any pixel.

World units: the camera stands one unit above flat ground. `x` is to the right of the camera, `depth` ahead of it,
heights are above the ground. Picture units: `u` to the right of the middle and `v` down from the top, both in
picture heights. A point (x, depth, y) is seen at u = vanish + x / depth, v = horizon + (1 - y) / depth.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Placed:
    """One object of a scene, stuff or thing.

    Attributes:
        label: class id of the twelve classes.
        shape: name of the outline, a key of `raster.SHAPES`.
        x: lateral position of the middle (of the wall that faces the road, for `block` and `rail`).
        depth: distance of the foot, or of the near end.
        width: lateral extent.
        height: extent above the ground.
        length: extent away from the camera; for `strip` the amplitude of its winding.
        look: eight numbers in [0, 1) that texture, colour and outline draw on.
    """

    label: int
    shape: str
    x: float
    depth: float
    width: float
    height: float
    length: float
    look: tuple[float, ...]


@dataclass(frozen=True)
class Layout:
    """A scene: its kind ("street" or "countryside"), its camera, and its objects from back to front."""

    kind: str
    horizon: float
    vanish: float
    objects: tuple[Placed, ...]


def strip_middle(strip: Placed, depth: Any) -> Any:
    """Lateral position of the middle of a straight or winding `strip` at a depth (a number or an array)."""
    if not strip.length:
        return strip.x + 0.0 * depth
    return strip.x + strip.length * np.sin(2.8 * np.sqrt(depth) + 6.28 * strip.look[0])

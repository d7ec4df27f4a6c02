"""Turns a layout into pixel maps: which object is seen where, at which of its own coordinates, how far away."""

import math
from dataclasses import dataclass

import numpy as np

from jaxsyn.data.scenes import classes, outlines
from jaxsyn.data.scenes.layout import Layout, Placed, strip_middle


@dataclass
class Raster:
    """Pixel maps of a layout, all [H, W], painted from back to front.

    Attributes:
        u: float32 [W], picture position of the pixel centres, in picture heights right of the middle.
        v: float32 [H], the same down from the top, in [0, 1].
        object: int32, index into `layout.objects`.
        s, t: float32, the object's own coordinates (across and up, or across and ahead for the ground).
        part: uint8, 1 for the trunk of a tree, the roof of a house, the front of a block, the lamp of a pole.
        depth: float32, distance from the camera in camera heights.
    """

    layout: Layout
    u: np.ndarray
    v: np.ndarray
    object: np.ndarray
    s: np.ndarray
    t: np.ndarray
    part: np.ndarray
    depth: np.ndarray

    def label(self) -> np.ndarray:
        """uint8 [H, W]: ids of the twelve classes."""
        return np.array([thing.label for thing in self.layout.objects], np.uint8)[self.object]

    def instance(self) -> np.ndarray:
        """int32 [H, W]: 0 for stuff, 1.. for the things that are seen, from back to front."""
        objects = self.layout.objects
        seen = np.bincount(self.object.ravel(), minlength=len(objects)) > 0
        seen &= np.array([thing.label in classes.THINGS for thing in objects])
        return np.where(seen, np.cumsum(seen), 0).astype(np.int32)[self.object]


def rasterise(layout: Layout, height: int, width: int) -> Raster:
    """Paints a layout at a size in pixels.

    A wider picture shows more of the same scene to its sides. Beyond aspect ratios of 1:2 and 3:1 it is stretched.
    """
    aspect = min(max(width / height, 0.5), 3.0)
    u = (((np.arange(width) + 0.5) / width - 0.5) * aspect).astype(np.float32)
    v = ((np.arange(height) + 0.5) / height).astype(np.float32)
    shape = (height, width)
    raster = Raster(
        layout,
        u,
        v,
        np.zeros(shape, np.int32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.uint8),
        np.full(shape, 100.0, np.float32),
    )
    for index, thing in enumerate(layout.objects):
        _PAINTERS[thing.shape](raster, index, thing)
    return raster


def _between(positions: np.ndarray, low: float, high: float) -> slice:
    """The evenly spaced positions in [low, high), by arithmetic: a search costs as much as painting a small thing."""
    first, step = float(positions[0]), float(positions[1] - positions[0])
    start, stop = (min(max(math.ceil((end - first) / step), 0), len(positions)) for end in (low, high))
    return slice(start, stop)


def _window(raster: Raster, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice] | None:
    """Rows and columns of the pixels whose centres lie in a box given in picture units; None if there are none."""
    columns = _between(raster.u, left, right)
    if columns.start >= columns.stop:
        return None
    rows = _between(raster.v, top, bottom)
    if rows.start >= rows.stop:
        return None
    return rows, columns


def _paint(
    raster: Raster,
    window: tuple[slice, slice],
    index: int,
    mask: np.ndarray | bool,
    s: np.ndarray,
    t: np.ndarray,
    part: np.ndarray | int,
    depth: np.ndarray | float,
) -> None:
    np.copyto(raster.object[window], index, where=mask)
    np.copyto(raster.s[window], s, where=mask)
    np.copyto(raster.t[window], t, where=mask)
    np.copyto(raster.part[window], part, where=mask)
    np.copyto(raster.depth[window], depth, where=mask)


def _sky(raster: Raster, index: int, thing: Placed) -> None:
    raster.object[:] = index


def _ridge(raster: Raster, index: int, thing: Placed) -> None:
    horizon = raster.layout.horizon
    window = _window(raster, -9.0, 9.0, horizon - 1.2 * thing.height, horizon + 0.01)
    if window is None:
        return
    u, v = raster.u[window[1]], raster.v[window[0], None]
    top = horizon - thing.height * outlines.ridge(u, thing.look)
    _paint(raster, window, index, v > top, u, (v - top) / thing.height, 0, thing.depth)


def _ground(raster: Raster, index: int, thing: Placed) -> None:
    layout = raster.layout
    window = _window(raster, -9.0, 9.0, layout.horizon, 1.1)
    if window is None:
        return
    ahead = 1.0 / np.maximum(raster.v[window[0], None] - layout.horizon, 1e-3)
    across = (raster.u[None, :] - layout.vanish) * ahead
    _paint(raster, window, index, True, across, ahead, 0, ahead)


def _strip(raster: Raster, index: int, thing: Placed) -> None:
    window = _window(raster, -9.0, 9.0, raster.layout.horizon, 1.1)
    if window is None:
        return
    ahead = raster.t[window][:, :1]
    offset = (raster.u[None, :] - raster.layout.vanish) * ahead - strip_middle(thing, ahead)
    mask = np.abs(offset) < thing.width / 2
    np.copyto(raster.object[window], index, where=mask)
    np.copyto(raster.s[window], offset, where=mask)


def _lake(raster: Raster, index: int, thing: Placed) -> None:
    layout = raster.layout
    middle_u, middle_v = layout.vanish + thing.x / thing.depth, layout.horizon + 1 / thing.depth
    half_u, half_v = thing.width / thing.depth / 2, thing.length / 2
    window = _window(
        raster,
        middle_u - 1.3 * half_u,
        middle_u + 1.3 * half_u,
        max(middle_v - 1.3 * half_v, layout.horizon),
        middle_v + 1.3 * half_v,
    )
    if window is None:
        return
    across = (raster.u[window[1]] - middle_u) / half_u
    along = (raster.v[window[0], None] - middle_v) / half_v
    mask = outlines.blob(across, along, thing.look)
    np.copyto(raster.object[window], index, where=mask)


def _upright(raster: Raster, index: int, thing: Placed) -> None:
    """A thing that faces the camera: s in [-1, 1] across, t in [0, 1] up from its foot."""
    layout, near = raster.layout, 1 / thing.depth
    middle, foot = layout.vanish + thing.x * near, layout.horizon + near
    half, tall = thing.width * near / 2, thing.height * near
    window = _window(raster, middle - half, middle + half, foot - tall, foot)
    if window is None:
        return
    s = (raster.u[None, window[1]] - middle) / half
    t = (foot - raster.v[window[0], None]) / tall
    mask, part = outlines.UPRIGHT[thing.shape](s, t, thing.look)
    _paint(raster, window, index, mask, s, t, part, thing.depth)


def _post(raster: Raster, index: int, thing: Placed) -> None:
    """A pole, never thinner than 1/30 of the picture, with a lamp on an arm or a cross bar: part 1."""
    layout, near = raster.layout, 1 / thing.depth
    middle, foot = layout.vanish + thing.x * near, layout.horizon + near
    tall, thick = thing.height * near, max(0.0333, 0.07 * near)
    if thing.shape == "lamp":
        reach = math.copysign(max(abs(thing.width) * near, 3 * thick), thing.width)
        left, right = sorted((middle - math.copysign(thick / 2, reach), middle + reach))
        bar, drop = (foot - tall, foot - tall + thick), (left, right)
    else:
        half = max(thing.width * near, 2 * thick)
        bar, drop = (foot - 0.92 * tall, foot - 0.92 * tall + thick), (middle - half, middle + half)
    for part, box in ((0, (middle - thick / 2, middle + thick / 2, foot - tall, foot)), (1, (*drop, *bar))):
        window = _window(raster, *box)
        if window is not None:
            s = (raster.u[None, window[1]] - middle) / thick
            t = (foot - raster.v[window[0], None]) / tall
            _paint(raster, window, index, True, s, t, part, thing.depth)


def _facade(raster: Raster, index: int, thing: Placed) -> None:
    """A wall along the line of sight: s is the distance ahead, t the height above the ground, in world units."""
    layout = raster.layout
    near, far = 1 / thing.depth, 1 / (thing.depth + thing.length)
    ends = sorted((layout.vanish + thing.x * near, layout.vanish + thing.x * far))
    top, bottom = layout.horizon + min((1 - thing.height) * near, (1 - thing.height) * far), layout.horizon + near
    window = _window(raster, *ends, top, bottom)
    if window is None:
        return
    inverse = (raster.u[None, window[1]] - layout.vanish) / thing.x
    t = (layout.horizon + inverse - raster.v[window[0], None]) / inverse
    ahead = 1 / inverse
    _paint(raster, window, index, (t > 0) & (t < thing.height), ahead, t, 0, ahead)


def _block(raster: Raster, index: int, thing: Placed) -> None:
    """A house seen at an angle: the wall along the street, and the front that faces the camera as part 1."""
    _facade(raster, index, thing)
    layout, near = raster.layout, 1 / thing.depth
    foot = layout.horizon + near
    ends = sorted((layout.vanish + thing.x * near, layout.vanish + (thing.x + thing.width) * near))
    window = _window(raster, *ends, foot - thing.height * near, foot)
    if window is None:
        return
    s = (raster.u[None, window[1]] - layout.vanish) / near - thing.x
    t = (foot - raster.v[window[0], None]) / near
    _paint(raster, window, index, True, s, t, 1, thing.depth)


_PAINTERS = {
    "sky": _sky,
    "ridge": _ridge,
    "ground": _ground,
    "strip": _strip,
    "lake": _lake,
    "lamp": _post,
    "mast": _post,
    "block": _block,
    "rail": _facade,
    **dict.fromkeys(outlines.UPRIGHT, _upright),
}

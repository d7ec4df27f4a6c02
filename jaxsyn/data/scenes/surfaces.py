"""The texture of each class: the colour of its pixels under neutral light, and where it shines of itself at night."""

from dataclasses import dataclass

import numpy as np

from jaxsyn.data.scenes import classes, noise
from jaxsyn.data.scenes.layout import Placed


@dataclass(frozen=True)
class Pixels:
    """The n pixels of one class.

    Attributes:
        s, t: float32 [n], the object's own coordinates (see `raster.Raster`).
        u, v: float32 [n], picture position.
        part: uint8 [n].
        object: int32 [n], the object that each pixel belongs to, an index into `objects`.
        look: float32 [n, 8], the numbers of that object.
        extent: float32 [n, 2], its width and height in world units.
        objects: all objects of the scene.
        pan: two offsets into the noise, drawn once a scene.
    """

    s: np.ndarray
    t: np.ndarray
    u: np.ndarray
    v: np.ndarray
    part: np.ndarray
    object: np.ndarray
    look: np.ndarray
    extent: np.ndarray
    objects: tuple[Placed, ...]
    pan: tuple[float, float]

    def noise(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coarse and fine noise [n] at positions in tile sides, shifted by scene and by object."""
        index = noise.at(x + self.pan[0] + self.look[:, 6], y + self.pan[1] + self.look[:, 7])
        coarse, fine = noise.tiles()
        return coarse.take(index), fine.take(index)

    def of_shape(self, shape: str) -> np.ndarray:
        """bool [n]: the pixels of the objects of one shape."""
        return np.array([thing.shape == shape for thing in self.objects])[self.object]

    def pick(self, table: np.ndarray, number: int) -> np.ndarray:
        """The row [n, 3] of a table of colours that the object's `number` chooses."""
        return table.take((self.look[:, number] * len(table)).astype(np.intp), axis=0)


Surface = tuple[np.ndarray, np.ndarray | None]
"""Colour float32 [n, 3] in [0, 1], and how much of it shines at night, float32 [n], or None."""


def _colours(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32)


def mix(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Blends two colours, [3] or [n, 3], by a weight [n]."""
    return first + (second - first) * weight[:, None]


def ramp(value: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(value, 0.0), 1.0)


def _line(position: np.ndarray, share: float) -> np.ndarray:
    """True in the first `share` of every unit of a position."""
    return position - np.floor(position) < share


GRASS = _colours((0.36, 0.60, 0.16), (0.52, 0.64, 0.20))
WALLS = _colours(
    (0.68, 0.36, 0.28),
    (0.86, 0.76, 0.58),
    (0.78, 0.56, 0.30),
    (0.60, 0.44, 0.40),
    (0.84, 0.62, 0.52),
    (0.74, 0.70, 0.66),
)
ROOFS = _colours((0.56, 0.22, 0.16), (0.40, 0.22, 0.20), (0.46, 0.32, 0.26))
LEAVES = _colours((0.08, 0.30, 0.08), (0.14, 0.36, 0.10), (0.22, 0.36, 0.08), (0.06, 0.28, 0.16))
PAINTS = _colours(
    (0.85, 0.10, 0.10),
    (0.10, 0.25, 0.80),
    (0.95, 0.75, 0.08),
    (0.92, 0.92, 0.94),
    (0.10, 0.62, 0.60),
    (0.90, 0.40, 0.08),
)
SHIRTS = _colours((0.85, 0.15, 0.35), (0.20, 0.35, 0.85), (0.95, 0.80, 0.20), (0.60, 0.15, 0.65), (0.95, 0.95, 0.95))
TROUSERS = _colours((0.12, 0.14, 0.30), (0.20, 0.16, 0.14), (0.30, 0.32, 0.45))
SKINS = _colours((0.94, 0.76, 0.62), (0.78, 0.56, 0.42), (0.48, 0.32, 0.24))
FENCES = _colours((0.62, 0.40, 0.20), (0.90, 0.88, 0.82), (0.50, 0.32, 0.18))
POSTS = _colours((0.16, 0.17, 0.20), (0.22, 0.24, 0.22))
STONE = _colours((0.44, 0.42, 0.52), (0.36, 0.46, 0.46), (0.52, 0.46, 0.46))


def grass(p: Pixels) -> Surface:
    coarse, fine = p.noise(0.12 * p.s, 0.12 * p.t)
    rgb = mix(GRASS[0], GRASS[1], ramp(0.5 + 0.35 * coarse))
    return rgb * (1 + 0.10 * fine + 0.05 * coarse)[:, None], None


def road(p: Pixels) -> Surface:
    coarse, fine = p.noise(0.2 * p.s, 0.06 * p.t)
    grey = 0.30 + 0.08 * (p.look[:, 1] - 0.5) + 0.02 * coarse + 0.025 * fine
    half = p.extent[:, 0] / 2
    dashes = (np.abs(p.s) < 0.035) & _line(0.7 * p.t + p.look[:, 2], 0.55)
    edges = np.abs(np.abs(p.s) - 0.9 * half) < 0.03
    rgb = grey[:, None] * _colours((0.98, 0.98, 1.04))
    paint = _colours((0.92, 0.90, 0.84), (0.93, 0.78, 0.30))[(p.look[:, 3] < 0.35).astype(np.intp)]
    return np.where(((dashes | edges) & (p.t < 12))[:, None], paint, rgb), None


def sidewalk(p: Pixels) -> Surface:
    _, fine = p.noise(0.2 * p.s, 0.2 * p.t)
    joints = _line(4.0 * p.s, 0.12) | _line(2.0 * p.t, 0.12)
    tile = noise.tiles()[0][noise.at(np.floor(4 * p.s) * 0.137, np.floor(2 * p.t) * 0.173)]
    light = 0.80 + 0.06 * tile + 0.03 * fine - 0.16 * (joints & (p.t < 7))
    tint = mix(_colours((1.0, 0.93, 0.82)), _colours((0.98, 0.96, 0.92)), p.look[:, 1])
    return light[:, None] * tint, None


def water(p: Pixels) -> Surface:
    coarse, fine = p.noise(0.5 * p.u, 2.5 * p.v)
    rgb = mix(_colours((0.06, 0.26, 0.52)), _colours((0.24, 0.56, 0.74)), ramp(0.4 + 0.25 * coarse + 0.2 * fine))
    return rgb, None


def hill(p: Pixels) -> Surface:
    coarse, fine = p.noise(0.5 * p.u + 0.3 * p.v, 0.5 * p.v)
    rock = p.pick(STONE, 5)
    rgb = mix(rock, _colours((0.24, 0.36, 0.30)), ramp(p.t - 0.2 + 0.35 * coarse))
    return rgb * (1 + 0.10 * fine + 0.08 * coarse)[:, None], None


def tree(p: Pixels) -> Surface:
    size = p.extent[:, 1]
    coarse, fine = p.noise(0.10 * p.s * size, 0.20 * p.t * size)
    rgb = mix(p.pick(LEAVES, 2), _colours((0.34, 0.46, 0.12)), ramp(0.12 + 0.22 * fine + 0.1 * coarse))
    rgb *= (0.7 + 0.5 * p.t + 0.16 * fine)[:, None]
    bark = _colours((0.34, 0.22, 0.13)) * (1 + 0.15 * fine)[:, None]
    return np.where((p.part == 1)[:, None], bark, rgb), None


def building(p: Pixels) -> Surface:
    """Walls with courses of brick, rows of windows, a plinth and a cornice; farmhouses have a roof as part 1."""
    height = p.extent[:, 1]
    house = p.of_shape("house")
    across = np.where(house, 0.5 * p.s * p.extent[:, 0], p.s)
    up = np.where(house, p.t * height, p.t)
    coarse, fine = p.noise(0.1 * across, 0.1 * up)
    wall = p.pick(WALLS, 0) * (0.85 + 0.3 * p.look[:, 5] + 0.05 * coarse + 0.06 * fine)[:, None]
    wall *= (1 - 0.10 * _line(9.0 * up, 0.3))[:, None]
    columns, floors = across * (1.6 + 1.2 * p.look[:, 1]) + 0.2, up * (1.5 + 0.6 * p.look[:, 2]) - 0.2
    in_wall = np.where(house, p.t < 0.5, (up > 0.15) & (up < height - 0.25))
    window = _line(columns, 0.48) & _line(floors, 0.55) & in_wall
    cell = noise.tiles()[1][noise.at(np.floor(columns) * 0.377 + p.look[:, 6], np.floor(floors) * 0.291 + p.look[:, 7])]
    glass = mix(_colours((0.14, 0.20, 0.30)), _colours((0.50, 0.62, 0.72)), ramp(0.25 + 0.3 * cell))
    rgb = np.where(window[:, None], glass, wall)
    shade = np.where(house, 1.0, np.where(p.part == 1, 0.82, 1.0))
    shade = shade * np.where(~house & ((up > height - 0.14) | (up < 0.12)), 0.62, 1.0)
    rgb = rgb * shade[:, None]
    slates = p.pick(ROOFS, 3) * (0.9 + 0.1 * fine - 0.25 * _line(22.0 * p.t, 0.3))[:, None]
    rgb = np.where((house & (p.part == 1))[:, None], slates, rgb)
    return rgb, (window & (cell > -0.1)).astype(np.float32)


def car(p: Pixels) -> Surface:
    sideways = p.of_shape("car_side")
    body = p.pick(PAINTS, 1) * (0.75 + 0.45 * p.t)[:, None]
    wheel = np.where(sideways, (np.abs(p.s) - 0.58) ** 2 + ((p.t - 0.2) * 0.8) ** 2 < 0.021, p.t < 0.13)
    pane = np.where(
        sideways,
        (np.abs(p.s) < 0.66 - 0.6 * (p.t - 0.55)) & (np.abs(p.s + 0.05) > 0.04),
        np.abs(p.s) < 0.72 - 0.45 * (p.t - 0.62),
    )
    pane &= (p.t > 0.64) & (p.t < 0.92)
    lights = (np.abs(p.t - 0.45) < 0.09) & np.where(sideways, np.abs(p.s) > 0.92, np.abs(np.abs(p.s) - 0.74) < 0.2)
    lamp = np.where((p.look[:, 2] < 0.5)[:, None], _colours((1.0, 0.95, 0.75)), _colours((0.95, 0.12, 0.08)))
    glass = mix(_colours((0.10, 0.13, 0.18)), _colours((0.45, 0.55, 0.62)), ramp(3 * (p.t - 0.68) + 0.3 * p.s))
    rgb = np.where(lights[:, None], lamp, np.where(pane[:, None], glass, body))
    bumper = (~sideways & (p.t < 0.24)) | wheel
    rgb = np.where(bumper[:, None], _colours((0.07, 0.07, 0.08)), rgb)
    return rgb, lights.astype(np.float32)


def person(p: Pixels) -> Surface:
    skin, shirt, trousers = p.pick(SKINS, 3), p.pick(SHIRTS, 1), p.pick(TROUSERS, 2)
    hair = p.t > 0.9
    rgb = np.where((p.t > 0.77)[:, None], skin, np.where((p.t > 0.42)[:, None], shirt, trousers))
    rgb = np.where(hair[:, None], skin * 0.4, rgb)
    stripes = (p.look[:, 4] < 0.3) & (p.t > 0.42) & (p.t < 0.77) & _line(11 * p.t, 0.5)
    return rgb * (1 - 0.35 * stripes)[:, None], None


def pole(p: Pixels) -> Surface:
    """A metal lamp post or a wooden mast."""
    mast = p.of_shape("mast")
    rgb = (
        np.where(mast[:, None], _colours((0.30, 0.20, 0.12)), p.pick(POSTS, 0))
        * (1 - 0.5 * p.s * (p.part == 0))[:, None]
    )
    head = (p.part == 1) & ~mast & (np.abs(p.s) > 1.2)
    return np.where(head[:, None], _colours((0.95, 0.92, 0.75)), rgb), head.astype(np.float32)


def fence(p: Pixels) -> Surface:
    """Pickets and dark gaps, with two rails across."""
    barrier = p.of_shape("barrier")
    across = np.where(barrier, 0.5 * p.s * p.extent[:, 0], p.s)
    up = np.where(barrier, p.t, p.t / p.extent[:, 1])
    _, fine = p.noise(0.2 * across, 0.1 * up)
    picket = _line(across * 7.0, 0.55) | (np.abs(up - 0.75) < 0.08) | (np.abs(up - 0.25) < 0.08)
    wood = p.pick(FENCES, 0) * (1 + 0.08 * fine)[:, None]
    return np.where(picket[:, None], wood, wood * 0.35), None


SURFACES = {
    classes.GRASS: grass,
    classes.BUILDING: building,
    classes.ROAD: road,
    classes.TREE: tree,
    classes.CAR: car,
    classes.HILL: hill,
    classes.WATER: water,
    classes.PERSON: person,
    classes.SIDEWALK: sidewalk,
    classes.POLE: pole,
    classes.FENCE: fence,
}
"""Class id -> texture; the sky is light rather than surface and is drawn by `light`."""

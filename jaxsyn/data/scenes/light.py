"""Light over a scene: the sky, sunshine and cast shadows, lamps, haze."""

import numpy as np

from jaxsyn.data.scenes import classes, noise
from jaxsyn.data.scenes.layout import Placed
from jaxsyn.data.scenes.raster import Raster
from jaxsyn.data.scenes.weather import Weather

_LAMP = np.array((1.0, 0.78, 0.42), np.float32)
_SHADOW = 0.12
_GROUND = (classes.GRASS, classes.ROAD, classes.SIDEWALK, classes.WATER)
_IS_GROUND = np.isin(np.arange(len(classes.CLASS_NAMES)), _GROUND)


def sky(raster: Raster, weather: Weather, pan: tuple[float, float], sun: float, clouds: float) -> np.ndarray:
    """Colours float32 [h, W, 3] of the rows above the horizon: a gradient, clouds, a glow around the sun, stars.

    `sun` is its picture position u; `clouds` in [0, 1] is how overcast it is.
    """
    horizon = raster.layout.horizon
    v = raster.v[: np.searchsorted(raster.v, horizon), None]
    u = raster.u[None, :]
    zenith, skyline, cloud = (np.array(c, np.float32) for c in (weather.zenith, weather.skyline, weather.cloud))
    rgb = zenith + (skyline - zenith) * ((v / horizon) ** 1.5)[:, :, None]
    reach = 0.07 / (horizon - v + 0.15)
    index = noise.at(u * reach + pan[0], 3 * reach + pan[1])
    coarse, fine = noise.tiles()
    cover = np.clip(0.5 * (coarse[index] + 0.25 * fine[index]) + 0.9 * clouds - 0.55, 0.0, 0.9)
    if weather.stars:
        rgb = rgb + (0.5 * (fine[noise.at(0.9 * u + pan[1], 0.9 * v + pan[0])] > 2.6))[:, :, None]
    rgb = rgb + (cloud - rgb) * cover[:, :, None]
    glow = np.exp(-((u - sun) ** 2 + (v - 0.4 * horizon) ** 2) / 0.05)
    return rgb + glow[:, :, None] * np.array(weather.glow, np.float32)


def sunshine(raster: Raster, label: np.ndarray, sun: float, pan: tuple[float, float]) -> np.ndarray:
    """Share float32 [H, W] of the sun's light that falls on each pixel, with the shadows cast on the ground."""
    layout = raster.layout
    base, slope = np.array([_facing(thing, sun) for thing in layout.objects], np.float32).T
    share = base[raster.object] + slope[raster.object] * raster.s
    rows = slice(int(np.searchsorted(raster.v, layout.horizon)), None)
    ahead = 1 / np.maximum(raster.v[rows, None] - layout.horizon, 1e-3)
    across = (raster.u[None, :] - layout.vanish) * ahead
    lit = np.ones(across.shape, np.float32)
    for thing in layout.objects:
        _cast_shadow(lit, thing, layout.vanish, raster.u, across, ahead, -0.9 if sun > 0 else 0.9)
    drift = noise.tiles()[0][noise.at(0.02 * across + pan[1], 0.02 * ahead + pan[0])]
    ground = _IS_GROUND[label[rows]]
    share[rows] *= np.where(ground, (0.88 + 0.12 * drift) * lit, 1.0)
    return share


def _cast_shadow(
    lit: np.ndarray,
    thing: Placed,
    vanish: float,
    u: np.ndarray,
    across: np.ndarray,
    ahead: np.ndarray,
    lean: float,
) -> None:
    """Darkens the ground `lit` [h, W], whose pixels lie at the world position (across, ahead), beside a thing.

    Houses in a row shade a band on the side that `lean` points to, other things an ellipse at their foot.
    """
    if thing.shape == "block":
        if thing.x * lean < 0:
            band = slice(*np.searchsorted(-ahead[:, 0], (-thing.depth - thing.length, -thing.depth)).tolist())
            lit[band][(across[band] - thing.x) * lean < 0.35 * thing.height] = _SHADOW
    elif thing.label in classes.THINGS and thing.shape != "rail":
        if abs(vanish + thing.x / thing.depth) > u[-1] + 0.4:
            return
        deep = 0.12 + 0.12 * abs(thing.width)
        wide = 0.5 * abs(thing.width) + 0.16 * thing.height
        band = slice(*np.searchsorted(-ahead[:, 0], (-thing.depth - deep, -thing.depth + deep)).tolist())
        offset = (across[band] - thing.x - lean * 0.4 * wide) / wide
        lit[band][offset**2 + ((ahead[band] - thing.depth) / deep) ** 2 < 1] = _SHADOW


def _facing(thing: Placed, sun: float) -> tuple[float, float]:
    """How an object faces the sun: a share of its light, and how that changes across the object."""
    if thing.shape in ("block", "rail"):
        return (0.35 if thing.x * sun > 0 else 0.95), 0.0
    if thing.label in classes.THINGS:
        return 0.72, (0.3 if sun > 0 else -0.3) * (0.4 if thing.label == classes.POLE else 1.0)
    return 0.9, 0.0


def lamplight(raster: Raster, strength: float) -> np.ndarray:
    """Light float32 [H, W, 3] that the street lamps throw: a halo around the lamp and a pool on the ground."""
    light = np.zeros((*raster.object.shape, 1), np.float32)
    layout = raster.layout
    for thing in layout.objects:
        if thing.shape == "lamp":
            near = 1 / thing.depth
            u = layout.vanish + (thing.x + thing.width) * near
            head, foot = layout.horizon + (1 - thing.height) * near, layout.horizon + near
            across = ((raster.u - u) / (1.6 * near)) ** 2
            light[:, :, 0] += 0.7 * np.exp(-(((raster.v - head) / (0.45 * near)) ** 2))[:, None] * np.exp(-12 * across)
            light[:, :, 0] += 1.0 * np.exp(-(((raster.v - foot) / (0.35 * near)) ** 2))[:, None] * np.exp(-4 * across)
    return strength * light * _LAMP

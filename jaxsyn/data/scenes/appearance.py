"""Turns the pixel maps of a layout into a picture: textures, light, season, haze."""

import numpy as np

from jaxsyn.data.scenes import classes, light
from jaxsyn.data.scenes.raster import Raster
from jaxsyn.data.scenes.surfaces import SURFACES, Pixels
from jaxsyn.data.scenes.weather import WEATHER, snowed

_WARM = np.array((1.0, 0.82, 0.45), np.float32)


def render(raster: Raster, label: np.ndarray, domain: str, rng: np.random.Generator) -> np.ndarray:
    """Renders a scene.

    Args:
        raster: pixel maps of the layout.
        label: uint8 [H, W], ids of the twelve classes.
        domain: a key of `weather.WEATHER`.
        rng: draws sun, clouds, exposure and the place in the noise; the same draws in every domain.

    Returns:
        uint8 [H, W, 3].
    """
    weather = WEATHER[domain]
    pan = (float(rng.random()), float(rng.random()))
    sun = (0.15 + 0.5 * float(rng.random())) * (1 if rng.random() < 0.5 else -1)
    clouds, haze, brightness = (float(number) for number in rng.random(3))
    tint = (0.97 + 0.06 * rng.random(3)).astype(np.float32)

    albedo, shine = _surfaces(raster, label, pan, weather.snow)
    share = light.sunshine(raster, label, sun, pan)[:, :, None]
    lit = np.array(weather.ambient, np.float32) + share * np.array(weather.sun, np.float32)
    if weather.lamps:
        lamps = light.lamplight(raster, weather.lamps)
        lit += lamps
    rgb = albedo * lit
    veil = 1 - np.exp(-weather.haze * (0.6 + 0.8 * haze) * raster.depth)
    rgb += (np.array(weather.skyline, np.float32) - rgb) * np.minimum(veil, 0.55)[:, :, None]
    if weather.lamps:
        rgb += shine[:, :, None] * weather.lamps * (_WARM - rgb)
    above = light.sky(raster, weather, pan, sun, clouds)
    if weather.lamps:
        above += 0.5 * lamps[: len(above)]
    np.copyto(rgb[: len(above)], above, where=(label[: len(above)] == classes.SKY)[:, :, None])
    rgb *= (0.9 + 0.2 * brightness) * tint
    return (np.clip(rgb, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)


def _surfaces(raster: Raster, label: np.ndarray, pan: tuple[float, float], snow: bool) -> tuple[np.ndarray, np.ndarray]:
    """Colour [H, W, 3] of every surface under neutral light, and its own shine [H, W].

    Pixels are sorted by class once, so that each class is a contiguous slice and no texture gathers for itself.
    """
    objects = raster.layout.objects
    looks = np.array([thing.look for thing in objects], np.float32)
    extents = np.array([(abs(thing.width), thing.height) for thing in objects], np.float32)
    order = np.argsort(label, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(label.ravel(), minlength=len(classes.CLASS_NAMES))).tolist()
    row, column = np.divmod(order, label.shape[1])
    s, t, part, index = (plane.ravel().take(order) for plane in (raster.s, raster.t, raster.part, raster.object))
    u, v = raster.u.take(column), raster.v.take(row)
    look, extent = looks.take(index, axis=0), extents.take(index, axis=0)
    rgb = np.zeros((label.size, 3), np.float32)
    shine = np.zeros(label.size, np.float32)
    for kind, surface in SURFACES.items():
        if ends[kind - 1] == ends[kind]:
            continue
        own = slice(ends[kind - 1], ends[kind])
        p = Pixels(s[own], t[own], u[own], v[own], part[own], index[own], look[own], extent[own], objects, pan)
        colour, shining = surface(p)
        rgb[own] = snowed(kind, p, colour) if snow else colour
        if shining is not None:
            shine[own] = shining
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    return rgb.take(back, axis=0).reshape(*label.shape, 3), shine.take(back).reshape(label.shape)

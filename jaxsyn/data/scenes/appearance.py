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
        lit += light.lamplight(raster, weather.lamps)
    rgb = albedo * lit
    veil = 1 - np.exp(-weather.haze * (0.6 + 0.8 * haze) * raster.depth)
    rgb += (np.array(weather.skyline, np.float32) - rgb) * np.minimum(veil, 0.55)[:, :, None]
    if weather.lamps:
        rgb += shine[:, :, None] * weather.lamps * (_WARM - rgb)
    above = light.sky(raster, weather, pan, sun, clouds)
    if weather.lamps:
        above += 0.5 * light.lamplight(raster, weather.lamps)[: len(above)]
    np.copyto(rgb[: len(above)], above, where=(label[: len(above)] == classes.SKY)[:, :, None])
    rgb *= (0.9 + 0.2 * brightness) * tint
    return (np.clip(rgb, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)


def _surfaces(raster: Raster, label: np.ndarray, pan: tuple[float, float], snow: bool) -> tuple[np.ndarray, np.ndarray]:
    """Colour [H, W, 3] of every surface under neutral light, and its own shine [H, W]."""
    objects = raster.layout.objects
    looks = np.array([thing.look for thing in objects], np.float32)
    extents = np.array([(abs(thing.width), thing.height) for thing in objects], np.float32)
    rgb = np.zeros((label.size, 3), np.float32)
    shine = np.zeros(label.size, np.float32)
    flat = label.ravel()
    u = np.broadcast_to(raster.u[None, :], label.shape).ravel()
    v = np.broadcast_to(raster.v[:, None], label.shape).ravel()
    for kind, surface in SURFACES.items():
        where = np.flatnonzero(flat == kind)
        if not where.size:
            continue
        index = raster.object.ravel()[where]
        p = Pixels(
            s=raster.s.ravel()[where],
            t=raster.t.ravel()[where],
            u=u[where],
            v=v[where],
            part=raster.part.ravel()[where],
            object=index,
            look=looks[index],
            extent=extents[index],
            objects=objects,
            pan=pan,
        )
        colour, own = surface(p)
        rgb[where] = snowed(kind, p, colour) if snow else colour
        if own is not None:
            shine[where] = own
    return rgb.reshape(*label.shape, 3), shine.reshape(label.shape)

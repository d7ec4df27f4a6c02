"""The domains as light and season: sky colours, sunlight, haze, and the snow of winter."""

from dataclasses import dataclass

import numpy as np

from jaxsyn.data.scenes import classes
from jaxsyn.data.scenes.surfaces import Pixels, mix, ramp

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Weather:
    """The light of one domain. Colours are linear RGB factors.

    Attributes:
        zenith, skyline: sky colours at the top of the picture and at the horizon.
        cloud: colour of clouds.
        ambient, sun: light from everywhere and from the sun; a lit white surface shows their sum.
        glow: colour of the sky around the sun.
        haze: share of the skyline colour that one unit of depth adds.
        lamps: strength of lamps, lit windows and headlights.
        snow: whether snow lies.
        stars: whether stars are out.
    """

    zenith: Colour
    skyline: Colour
    cloud: Colour
    ambient: Colour
    sun: Colour
    glow: Colour
    haze: float
    lamps: float
    snow: bool
    stars: bool


WEATHER = {
    "day": Weather(
        zenith=(0.26, 0.52, 0.90),
        skyline=(0.72, 0.85, 0.96),
        cloud=(0.97, 0.97, 0.98),
        ambient=(0.52, 0.56, 0.62),
        sun=(0.56, 0.52, 0.44),
        glow=(0.20, 0.18, 0.10),
        haze=0.018,
        lamps=0.0,
        snow=False,
        stars=False,
    ),
    "dusk": Weather(
        zenith=(0.26, 0.22, 0.46),
        skyline=(0.98, 0.60, 0.34),
        cloud=(0.86, 0.44, 0.42),
        ambient=(0.40, 0.32, 0.40),
        sun=(0.52, 0.28, 0.10),
        glow=(0.35, 0.22, 0.05),
        haze=0.028,
        lamps=0.6,
        snow=False,
        stars=False,
    ),
    "night": Weather(
        zenith=(0.03, 0.04, 0.13),
        skyline=(0.13, 0.15, 0.30),
        cloud=(0.10, 0.11, 0.20),
        ambient=(0.22, 0.25, 0.40),
        sun=(0.12, 0.14, 0.18),
        glow=(0.05, 0.06, 0.08),
        haze=0.02,
        lamps=1.0,
        snow=False,
        stars=True,
    ),
    "winter": Weather(
        zenith=(0.62, 0.72, 0.84),
        skyline=(0.88, 0.90, 0.93),
        cloud=(0.93, 0.94, 0.96),
        ambient=(0.64, 0.68, 0.75),
        sun=(0.32, 0.30, 0.26),
        glow=(0.08, 0.07, 0.05),
        haze=0.035,
        lamps=0.0,
        snow=True,
        stars=False,
    ),
}
"""Domain name -> its weather."""

_SNOW = np.array((0.93, 0.95, 1.0), np.float32)
_BARE = np.array((0.40, 0.34, 0.30), np.float32)
_ICE = np.array((0.66, 0.80, 0.88), np.float32)


def snowed(label: int, p: Pixels, rgb: np.ndarray) -> np.ndarray:
    """The colours [n, 3] of the pixels of a class after snow: on the ground in patches, on roofs, crowns and ice."""
    scale = 0.35 if label == classes.TREE else 0.09
    coarse, fine = p.noise(scale * p.s, scale * p.t)
    if label == classes.GRASS:
        return mix(rgb, _SNOW * (1 + 0.03 * fine)[:, None], ramp(0.92 + 0.18 * coarse))
    if label == classes.ROAD:
        return mix(rgb, _SNOW, ramp(0.12 + 0.3 * coarse))
    if label == classes.SIDEWALK:
        return mix(rgb, _SNOW, ramp(0.3 + 0.3 * coarse))
    if label == classes.HILL:
        return mix(rgb, _SNOW, ramp(0.75 - 0.5 * p.t + 0.25 * fine))
    if label == classes.WATER:
        return mix(rgb, _ICE, ramp(0.5 + 0.2 * coarse))
    if label == classes.TREE:
        bare = np.where(p.of_shape("broadleaf") & (p.part == 0), 0.6, 0.0)
        return mix(mix(rgb, _BARE, bare), _SNOW, ramp(1.1 * p.t - 0.55 + 0.35 * fine) * (p.part == 0))
    if label == classes.BUILDING:
        house = p.of_shape("house")
        return mix(rgb, _SNOW, np.where(house, 0.85 * (p.part == 1), 0.9 * (p.t > p.extent[:, 1] - 0.14)))
    if label == classes.CAR:
        return mix(rgb, _SNOW, 0.85 * (p.t > 0.9))
    if label == classes.FENCE:
        up = np.where(p.of_shape("barrier"), p.t, p.t / p.extent[:, 1])
        return mix(rgb, _SNOW, 0.9 * (up > 0.86))
    return rgb

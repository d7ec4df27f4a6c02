"""The outlines of things in their own coordinates: s in [-1, 1] across, t in [0, 1] up from the foot."""

import numpy as np

Look = tuple[float, ...]


def ridge(u: np.ndarray, look: Look) -> np.ndarray:
    """Height in about [0.2, 1.2] of a ridge at the picture positions u: rolling hills or pointed mountains."""
    phases = [6.28 * number for number in look[:4]]
    waves = [np.sin(frequency * u + phase) for frequency, phase in zip((3.1, 7.3, 15.0, 37.0), phases, strict=True)]
    if look[4] < 0.45:
        waves = [1 - 2 * np.abs(wave) for wave in waves]
    return 0.62 + 0.3 * waves[0] + 0.14 * waves[1] + 0.06 * waves[2] + 0.02 * waves[3]


def blob(s: np.ndarray, t: np.ndarray, look: Look) -> np.ndarray:
    """Mask of a disc of radius 1 with a wobbling border."""
    wobble = np.sin(3.0 * s + 6.28 * look[0]) * np.sin(2.0 * t + 6.28 * look[1])
    return s * s + t * t < 1 + 0.5 * wobble


def _broadleaf(s: np.ndarray, t: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
    up = (t - 0.64) / 0.35
    lobes = np.sin(5.0 * s + 6.28 * look[0]) * np.sin(5.0 * up + 6.28 * look[1])
    crown = s * s + up * up < 0.9 + 0.22 * lobes
    trunk = (np.abs(s) < 0.13) & (t < 0.5)
    return crown | trunk, trunk & ~crown


def _conifer(s: np.ndarray, t: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
    tiers = 3 + int(3 * look[0])
    saw = t * tiers - np.floor(t * tiers)
    crown = (np.abs(s) < 1.02 * (1 - t) + 0.16 * (0.5 - saw)) & (t > 0.12)
    trunk = (np.abs(s) < 0.15) & (t <= 0.12)
    return crown | trunk, trunk


def _car_side(s: np.ndarray, t: np.ndarray, look: Look) -> tuple[np.ndarray, int]:
    lean = 0.12 if look[0] < 0.5 else -0.12
    body = (np.abs(s) < 1.0 - 0.3 * np.maximum(t - 0.45, 0)) & (t > 0.14) & (t < 0.62)
    cabin = (np.abs(s + lean) < 0.78 - 0.6 * (t - 0.55)) & (t >= 0.62)
    wheels = (np.abs(s) - 0.58) ** 2 + ((t - 0.2) * 0.8) ** 2 < 0.0256
    return body | cabin | wheels, 0


def _car_end(s: np.ndarray, t: np.ndarray, look: Look) -> tuple[np.ndarray, int]:
    body = (t > 0.12) & (t < 0.62)
    cabin = (np.abs(s) < 0.85 - 0.45 * (t - 0.62)) & (t >= 0.62)
    wheels = (np.abs(np.abs(s) - 0.72) < 0.2) & (t <= 0.12)
    return body | cabin | wheels, 0


def _person(s: np.ndarray, t: np.ndarray, look: Look) -> tuple[np.ndarray, int]:
    head = (s / 0.52) ** 2 + ((t - 0.87) / 0.125) ** 2 < 1
    torso = (np.abs(s) < 0.95 - 1.3 * np.abs(t - 0.62)) & (t > 0.4) & (t < 0.79)
    legs = (np.abs(s) < 0.55 + 0.3 * look[0] * (0.45 - t)) & (t <= 0.42)
    return head | torso | legs, 0


def _house(s: np.ndarray, t: np.ndarray, look: Look) -> tuple[np.ndarray, np.ndarray]:
    eaves = 0.56
    walls = (np.abs(s) < 0.9) & (t < eaves)
    slope = 1.0 if look[0] < 0.5 else 0.45
    roof = (np.abs(s) < 1 - slope * (t - eaves) / (1 - eaves)) & (t >= eaves)
    return walls | roof, roof


def _barrier(s: np.ndarray, t: np.ndarray, look: Look) -> tuple[bool, int]:
    return True, 0


UPRIGHT = {
    "broadleaf": _broadleaf,
    "conifer": _conifer,
    "car_side": _car_side,
    "car_end": _car_end,
    "person": _person,
    "house": _house,
    "barrier": _barrier,
}
"""Shape name -> outline(s, t, look) -> (mask, part), both [h, w] or scalar."""

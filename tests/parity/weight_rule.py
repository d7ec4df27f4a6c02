"""The rule by which reference cases fill a network: from an entry's name, shape and role, and a seed."""

import math
import zlib
from collections.abc import Sequence

import numpy as np

VGG_BLOCKS = {
    16: ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)),
    19: ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)),
}


def fill(name: str, shape: Sequence[int], role: str, seed: int) -> np.ndarray:
    """The float32 array of one entry.

    Args:
        name: its name in the reference's state dict; shape: in the reference's layout.
        role: `weight` (two or more dimensions), `scale` (of a norm), `bias`, `vector`, `running_mean`, `running_var`.

    Raises:
        ValueError: a role that the rule does not cover.
    """
    random = np.random.RandomState((zlib.crc32(name.encode()) + seed) % 2**32)
    n = np.asarray(random.standard_normal(tuple(shape)))
    if role == "weight":
        value = n / math.sqrt(math.prod(shape[1:]))
    elif role == "scale":
        value = 1 + 0.1 * n
    elif role in ("bias", "vector", "running_mean"):
        value = 0.1 * n
    elif role == "running_var":
        value = np.exp(0.2 * n)
    else:
        raise ValueError(f"{name}: the weight rule does not cover role {role!r}")
    return value.astype(np.float32)


def vgg_state(depth: int = 19, seed: int = 0) -> dict[str, np.ndarray]:
    """The state dict of VGG-19's (or VGG-16's) convolutions, `features.N.weight` and `.bias`, filled by the rule."""
    state = {}
    index, channels = 0, 3
    for count, width in VGG_BLOCKS[depth]:
        for _ in range(count):
            for leaf, shape in (("weight", (width, channels, 3, 3)), ("bias", (width,))):
                name = f"features.{index}.{leaf}"
                state[name] = fill(name, shape, leaf, seed)
            index, channels = index + 2, width
        index += 1
    return state

"""Random arrays without a compilation each."""

from typing import Any

import jax
import numpy as np


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def integers(low: int, high: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Uniform int32 in [low, high)."""
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.int32)


def filled(shapes: Any, *, seed: int = 0, scale: float = 0.3) -> Any:
    """A tree of random arrays with the given shapes and dtypes: variables without compiling their initialisation."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: (scale * rng.normal(size=leaf.shape)).astype(leaf.dtype), shapes)

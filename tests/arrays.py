"""Random arrays without a compilation each."""

import numpy as np


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def integers(low: int, high: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Uniform int32 in [low, high)."""
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.int32)

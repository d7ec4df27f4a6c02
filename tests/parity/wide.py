"""Cases that are compared in float64."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.methods import Method
from tests.parity.adapter import Results
from tests.parity.case import Case


def in_float64(function: Callable[..., Results]) -> Callable[..., Results]:
    """The function of (method, case, arrays, ...) with networks that compute in float64, and arrays to match.

    Some activations and differences of these cases are within float32's rounding of the kink of their function, and a
    gradient differs with the side. The references' own, by float32 as by float64, are on the true one.
    """

    @wraps(function)
    def wide(method: Method, case: Case, *rest: Any) -> Results:
        with jax.enable_x64(True):
            method.config.compute_dtype = "float64"
            return function(method, case, *jax.tree.map(widened, rest))

    return wide


def widened(leaf: Any) -> Any:
    """float32 arrays as float64; everything else as it is."""
    if isinstance(leaf, np.ndarray) and leaf.dtype == np.float32:
        return leaf.astype(np.float64)
    return leaf.astype(jnp.float64) if isinstance(leaf, jax.Array) and leaf.dtype == jnp.float32 else leaf

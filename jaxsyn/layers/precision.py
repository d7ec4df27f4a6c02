"""The precision of statistics and losses."""

import jax
import jax.numpy as jnp


def at_least_float32(x: jax.Array) -> jax.Array:
    """x in float32, or in its own dtype where that is wider (float64, with which references are compared)."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))

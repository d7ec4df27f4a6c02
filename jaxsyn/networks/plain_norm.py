"""The norms of pix2pix's and CycleGAN's networks (their `--norm`)."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import BatchNorm, InstanceNorm
from jaxsyn.networks.normed_conv import scale_init

NORMS = ("batch", "instance", "none")


def plain_norm(x: jax.Array, norm: str, *, dtype: Any = jnp.float32, name: str) -> jax.Array:
    """Normalises [B, H, W, C] by `batch` (affine, scales begin near 1), `instance` (not affine) or `none` (nothing).

    Called in a module's compact method, of which a norm with parameters becomes the submodule `name`.

    Raises:
        UserError: no such norm.
    """
    if norm not in NORMS:
        raise UserError(f"norm {norm!r} is not known; choose one of {', '.join(NORMS)}")
    if norm == "batch":
        return BatchNorm(affine=True, scale_init=scale_init, dtype=dtype, name=name)(x)
    return InstanceNorm(dtype=dtype, name=name)(x) if norm == "instance" else x


def has_bias(norm: str) -> bool:
    """Whether the convolutions beside a norm have a bias: with instance norm alone, as the authors' code decides it."""
    return norm == "instance"

"""Spectral normalisation (Miyato et al., ICLR 2018), with the power iteration's vectors as state."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

EPSILON = 1e-12
# Vectors and sigma are float32 also where products of float32 run in less by default (TPU, TF32).
_product = partial(jnp.matmul, precision=lax.Precision.HIGHEST)


def spectral_normalize(module: nn.Module, kernel: jax.Array) -> jax.Array:
    """Divides a kernel by its largest singular value, as estimated by the vectors `u`, `v` of collection "spectral".

    The matrix is the kernel as (out, window * in). Where the collection is mutable one power iteration runs first
    (v, then u) and is stored; elsewhere the stored vectors serve. No gradient passes through them. Called from a
    module's compact method: the vectors become that module's variables, u [out] and v [window * in], float32.

    Args:
        kernel: [..., in, out].

    Returns:
        The normalised kernel.
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    u = module.variable("spectral", "u", unit_vector, module, matrix.shape[1])
    v = module.variable("spectral", "v", unit_vector, module, matrix.shape[0])
    if module.is_mutable_collection("spectral") and not module.is_initializing():
        u.value, v.value = iterate(matrix, u.value)
    sigma = _product(_product(v.value, matrix), u.value)
    return kernel / sigma


def divide_by_norm(kernel: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The kernel [..., in, out] over its spectral norm after one power iteration from u [out], and the next u."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    u, v = iterate(matrix, u)
    return kernel / _product(_product(v, matrix), u), u


def iterate(matrix: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One power iteration on a matrix [n, out], without gradient: from u [out] the next u, and v [n]."""
    fixed = lax.stop_gradient(matrix)
    v = _normalize(_product(fixed, u))
    return _normalize(_product(v, fixed)), v


def unit_vector(module: nn.Module, size: int) -> jax.Array:
    return _normalize(jax.random.normal(module.make_rng("params"), (size,)))


def _normalize(x: jax.Array) -> jax.Array:
    return x / jnp.maximum(jnp.linalg.norm(x), EPSILON)

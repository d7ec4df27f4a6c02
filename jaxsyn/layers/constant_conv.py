"""Convolution of a map that holds one vector at every pixel, without the map."""

import jax
import jax.numpy as jnp

from jaxsyn.layers.convolution import convolve, pad_borders


def convolve_constant(
    vector: jax.Array,
    kernel: jax.Array,
    height: int,
    width: int,
    *,
    stride: int = 1,
    padding: int = 0,
    padding_mode: str = "zeros",
) -> jax.Array:
    """Convolves the map [B, height, width, D] that repeats a vector; exact, padding included.

    The result differs only where a window reaches over the border, so all its values are those of a map no larger
    than the kernel; the middle row and column of that result are then repeated.

    Args:
        vector: [B, D].
        kernel: [k, k, D, features].
        padding: pixels on each side, less than k.

    Returns:
        [B, h, w, features], in the kernel's dtype.
    """
    size = kernel.shape[0]
    small = jnp.broadcast_to(
        vector[:, None, None, :].astype(kernel.dtype),
        (vector.shape[0], min(height, size), min(width, size), vector.shape[-1]),
    )
    y = convolve(pad_borders(small, padding, padding_mode), kernel)
    y = _repeat_middle(_repeat_middle(y, padding, height - small.shape[1], 1), padding, width - small.shape[2], 2)
    return y[:, ::stride, ::stride]


def _repeat_middle(y: jax.Array, border: int, times: int, axis: int) -> jax.Array:
    """Repeats the slice at `border` `times` more times."""
    if times == 0:
        return y
    head, middle, tail = jnp.split(y, (border, border + 1), axis=axis)
    shape = list(middle.shape)
    shape[axis] = times + 1
    return jnp.concatenate([head, jnp.broadcast_to(middle, shape), tail], axis=axis)

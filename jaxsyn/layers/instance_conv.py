"""Convolution that does not look across the border of an instance."""

import jax
import jax.numpy as jnp

from jaxsyn.layers.convolution import Conv, add_bias, pad_borders
from jaxsyn.layers.resize import resize_nearest


def instance_convolve(x: jax.Array, instance: jax.Array, kernel: jax.Array, *, stride: int = 1) -> jax.Array:
    """A convolution whose taps count where the neighbour is of the centre's instance, and are zero elsewhere.

    What is left is not divided by the number of taps that count (INADE, supplementary; the authors' code).

    Args:
        x: [B, H, W, I].
        instance: [B, H', W'] integers, resized to H x W by nearest neighbour.
        kernel: [k, k, I, O], k odd; zero padding of k // 2.

    Returns:
        [B, ceil(H / stride), ceil(W / stride), O], in the kernel's dtype.
    """
    height, width = x.shape[1:3]
    size = len(kernel)
    x = pad_borders(x.astype(kernel.dtype), size // 2)
    # The padding's instance number does not matter: its features are zero.
    instance = pad_borders(resize_nearest(instance, height, width), size // 2)

    def tap(array: jax.Array, i: int, j: int) -> jax.Array:
        return array[:, i : i + height : stride, j : j + width : stride]

    centre = tap(instance, size // 2, size // 2)
    total = 0.0
    for i in range(size):
        for j in range(size):
            same = (tap(instance, i, j) == centre)[..., None]
            masked = jnp.where(same, tap(x, i, j), 0)
            total += jnp.matmul(masked, kernel[i, j], preferred_element_type=jnp.float32)
    return total.astype(kernel.dtype)


class InstanceConv(Conv):
    """`Conv` within instances, with the parameters of a usual one: [B, H, W, I] -> [B, h, w, features].

    The kernel size is odd and padded so that stride 1 keeps the size. Groups and dilation are not supported.
    """

    def __call__(self, x: jax.Array, instance: jax.Array) -> jax.Array:
        kernel, bias = self.weights(x.shape[-1])
        return add_bias(instance_convolve(x, instance, kernel, stride=self.stride), bias)

"""1x1 convolution of a map together with planes that each hold one number everywhere."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import add_bias, convolve
from jaxsyn.layers.initializers import DEFAULT, Initializer


class PlaneConv(nn.Module):
    """1x1 convolution of the map [x, planes], [B, H, W, I + D] -> [B, H, W, features], without the planes.

    A constant plane adds the same vector at every pixel: that is computed once.
    """

    features: int
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, planes: jax.Array) -> jax.Array:
        """planes: their values [B, D]."""
        channels = x.shape[-1]
        shape = (1, 1, channels + planes.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape).astype(self.dtype)
        y = convolve(x.astype(self.dtype), kernel[:, :, :channels])
        constant = planes.astype(self.dtype) @ kernel[0, 0, channels:]
        return add_bias(y + constant[:, None, None], self.param("bias", nn.initializers.zeros, (self.features,)))

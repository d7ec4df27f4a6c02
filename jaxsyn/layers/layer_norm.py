"""Layer normalisation of images, with the statistics of MUNIT's code."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.initializers import Initializer
from jaxsyn.layers.precision import at_least_float32


class LayerNorm(nn.Module):
    """(x - mean) / (std + epsilon) over a sample's height, width and channels, then gain and bias of each channel.

    [B, H, W, C] -> the same shape. The deviation is the unbiased one (n - 1), and epsilon is added to it, not to the
    variance; so it equals neither torch's layer norm nor flax's.

    Attributes:
        gamma_init: of the gains; MUNIT's authors begin them uniform in [0, 1).
    """

    epsilon: float = 1e-5
    gamma_init: Initializer = nn.initializers.uniform(1.0)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x32 = at_least_float32(x)
        centred = x32 - x32.mean((1, 2, 3), keepdims=True)
        count = x32[0].size
        variance = jnp.square(centred).sum((1, 2, 3), keepdims=True) / (count - 1)
        y = centred / (jnp.sqrt(variance) + self.epsilon)
        y = y * self.param("gamma", self.gamma_init, (x.shape[-1],))
        return (y + self.param("beta", nn.initializers.zeros, (x.shape[-1],))).astype(self.dtype)

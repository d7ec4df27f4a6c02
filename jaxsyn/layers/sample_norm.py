"""Layer normalisation of images as PyTorch computes it, with a gain and a bias of each channel."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.normalization import normalize


class SampleNorm(nn.Module):
    """(x - mean) / sqrt(variance + epsilon) over a sample's height, width and channels, then each channel's affine map.

    [B, H, W, C] -> the same shape. The variance is the biased one; `LayerNorm` is MUNIT's, with another denominator.
    Gain and bias are [C, 1, 1], the shape that DRIT's checkpoints have them in.
    """

    epsilon: float = 1e-5
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (x.shape[-1], 1, 1)
        scale = self.param("scale", nn.initializers.ones, shape).reshape(-1)
        bias = self.param("bias", nn.initializers.zeros, shape).reshape(-1)
        x32 = x.astype(jnp.float32)
        mean = x32.mean((1, 2, 3), keepdims=True)
        variance = jnp.square(x32 - mean).mean((1, 2, 3), keepdims=True)
        return (normalize(x32, mean, variance, self.epsilon) * scale + bias).astype(self.dtype)

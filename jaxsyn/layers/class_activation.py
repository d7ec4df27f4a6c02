"""Attention to channels by the weights of a classifier: class activation maps (U-GAT-IT, Kim et al., ICLR 2020)."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import Conv, add_bias, convolve
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.spectral_norm import spectral_normalize


class ClassActivation(nn.Module):
    """A linear classifier of pooled features [B, C], without bias: their logit [B, 1], and its weights [C].

    The logit comes of the spectrally normalised weights, the weights returned are the raw ones: as in the authors'
    code, whose attention takes the parameter beneath the normalisation.
    """

    spectral: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, pooled: jax.Array) -> tuple[jax.Array, jax.Array]:
        kernel = self.param("kernel", self.kernel_init, (pooled.shape[-1], 1))
        normalized = spectral_normalize(self, kernel) if self.spectral else kernel
        return pooled.astype(self.dtype) @ normalized.astype(self.dtype), kernel[:, 0]


def mean_and_max(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Means and maxima [B, C] over the positions of [B, H, W, C]."""
    return x.mean((1, 2)), x.max((1, 2))


def attend(conv: Conv, x: jax.Array, weights: jax.Array) -> jax.Array:
    """A 1x1 convolution of n copies of x [B, H, W, C], each channel of each multiplied by its weight.

    Weights and copies are folded into the kernel, so that x is convolved once.

    Args:
        conv: takes n * C channels.
        weights: [n * C], copy by copy.
    """
    kernel, bias = conv.weights(len(weights))
    folded = (kernel[0, 0] * weights[:, None]).reshape(-1, x.shape[-1], conv.features).sum(0)
    return add_bias(convolve(x, folded[None, None].astype(x.dtype)), bias)

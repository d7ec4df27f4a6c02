"""StarGAN v2's residual blocks, whose norms and activations come before their convolutions."""

from math import sqrt
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv, Dense, InstanceNorm, adain, average_pool, upsample_nearest
from jaxsyn.layers.initializers import DEFAULT, Initializer

SLOPE = 0.2


class PreactivatedBlock(nn.Module):
    """Residual block, [B, H, W, C] -> [B, H, W, features], or half that size (Choi et al., CVPR 2020, appendix C).

    The sum of residual and shortcut is divided by sqrt 2, which keeps the variance.

    Attributes:
        normalized: whether an affine instance norm precedes each activation.
        downsample: whether average pooling halves the size, between the convolutions.
    """

    features: int
    normalized: bool = False
    downsample: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def pool(y: jax.Array) -> jax.Array:
            return average_pool(y, window=2, stride=2, padding=0) if self.downsample else y

        def activated(y: jax.Array, i: int) -> jax.Array:
            if self.normalized:
                y = InstanceNorm(affine=True, dtype=self.dtype, name=f"norm_{i}")(y)
            return nn.leaky_relu(y, SLOPE)

        y = pool(Conv(x.shape[-1], name="conv_1", **common)(activated(x, 1)))
        y = Conv(self.features, name="conv_2", **common)(activated(y, 2))
        if x.shape[-1] != self.features:
            x = Conv(self.features, kernel_size=1, use_bias=False, name="shortcut", **common)(x)
        return (pool(x) + y) / sqrt(2)


class AdaptiveNorm(nn.Module):
    """AdaIN whose gain, less 1, and bias are a linear function of a style code: [B, H, W, C] -> the same shape."""

    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, style: jax.Array) -> jax.Array:
        """style: [B, D]."""
        affine = Dense(2 * x.shape[-1], kernel_init=self.kernel_init, dtype=self.dtype, name="fc")(style)
        gain, bias = jnp.split(affine, 2, axis=-1)
        return adain(x, 1 + gain, bias)


class AdaptiveBlock(nn.Module):
    """The decoder's residual block, [B, H, W, C] -> [B, H, W, features], or twice that size.

    Attributes:
        upsample: whether the size is doubled, before the first convolution.
        shortcut: whether the input is added. Without it (the form with a high-pass skip) its weights are there all the
            same, for the authors' checkpoints hold them.
    """

    features: int
    upsample: bool = False
    shortcut: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, style: jax.Array) -> jax.Array:
        """style: [B, D]."""
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def enlarge(y: jax.Array) -> jax.Array:
            return upsample_nearest(y) if self.upsample else y

        y = enlarge(nn.leaky_relu(AdaptiveNorm(name="norm_1", **common)(x, style), SLOPE))
        y = Conv(self.features, name="conv_1", **common)(y)
        y = nn.leaky_relu(AdaptiveNorm(name="norm_2", **common)(y, style), SLOPE)
        y = Conv(self.features, name="conv_2", **common)(y)
        projection = Conv(self.features, kernel_size=1, use_bias=False, name="shortcut", **common)
        projects = x.shape[-1] != self.features
        if not self.shortcut:
            if projects:
                projection.weights(x.shape[-1])
            return y
        # A 1x1 convolution and a repetition of pixels commute; the authors repeat first.
        return (enlarge(projection(x) if projects else x) + y) / sqrt(2)


BLOCK_NAMES = ((r"\bconv_(\d)\.", r"conv\1."), (r"\bnorm_(\d)\.", r"norm\1."), (r"\bshortcut\.", "conv1x1."))

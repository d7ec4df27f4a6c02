"""Adaptive instance normalisation: the statistics of a style in place of the content's."""

import jax
import jax.numpy as jnp

from jaxsyn.layers.normalization import normalize
from jaxsyn.layers.precision import at_least_float32


def adain(x: jax.Array, gain: jax.Array, bias: jax.Array, epsilon: float = 1e-5) -> jax.Array:
    """Instance normalisation by the sample's own statistics, then a gain and a bias of each sample and channel.

    AdaIN (Huang and Belongie, ICCV 2017) as MUNIT has it (section 5.1): a network predicts gain and bias, the raw gain,
    not its difference from 1.

    Args:
        x: [B, H, W, C].
        gain, bias: [B, C].

    Returns:
        [B, H, W, C] in x's dtype; statistics are float32 or wider (biased variance).
    """
    x32 = at_least_float32(x)
    mean = x32.mean((1, 2), keepdims=True)
    variance = jnp.square(x32 - mean).mean((1, 2), keepdims=True)
    y = normalize(x32, mean, variance, epsilon) * gain[:, None, None] + bias[:, None, None]
    return y.astype(x.dtype)

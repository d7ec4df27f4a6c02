"""Mixtures of instance and layer normalisation: LIN and AdaLIN (U-GAT-IT, Kim et al., ICLR 2020, section 2.1)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

# Makes the module that mixes, by its name: [B, H, W, C] -> the same shape, float32, without gain and bias.
Mix = Callable[..., nn.Module]


def instance_and_layer_norm(x: jax.Array, epsilon: float = 1e-5) -> tuple[jax.Array, jax.Array]:
    """x [B, H, W, C] normalised over each sample's positions, and over its positions and channels; float32.

    Both variances are unbiased (n - 1), which instance normalisation elsewhere is not.
    """
    x = x.astype(jnp.float32)
    by_instance, by_layer = (
        (x - x.mean(axes, keepdims=True)) * jax.lax.rsqrt(x.var(axes, ddof=1, keepdims=True) + epsilon)
        for axes in ((1, 2), (1, 2, 3))
    )
    return by_instance, by_layer


class SoftmaxMix(nn.Module):
    """Both norms, weighed in each channel by the softmax of two learned numbers (NICE-GAN's code).

    Attributes:
        start: what the numbers of instance and of layer normalisation begin with.
    """

    start: tuple[float, float]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def begin(_: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return jnp.broadcast_to(jnp.asarray(self.start, jnp.float32), shape)

        # The leading axis is that of the authors' checkpoints.
        rho = nn.softmax(self.param("rho", begin, (1, x.shape[-1], 2)))
        by_instance, by_layer = instance_and_layer_norm(x)
        return rho[0, :, 0] * by_instance + rho[0, :, 1] * by_layer


class LIN(nn.Module):
    """The mixture with a gain and a bias of its own for each channel: [B, H, W, C] -> the same shape."""

    mix: Mix
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape = (1, x.shape[-1], 1, 1)  # as in the authors' checkpoints
        gamma, beta = self.param("gamma", nn.initializers.ones, shape), self.param("beta", nn.initializers.zeros, shape)
        return (self.mix(name="mix")(x) * gamma.reshape(-1) + beta.reshape(-1)).astype(self.dtype)


class AdaLIN(nn.Module):
    """The mixture with gains and biases [B, C] that are given: [B, H, W, C] -> the same shape."""

    mix: Mix
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, gamma: jax.Array, beta: jax.Array) -> jax.Array:
        return (self.mix(name="mix")(x) * gamma[:, None, None] + beta[:, None, None]).astype(self.dtype)

"""What the generators of U-GAT-IT and NICE-GAN have around AdaLIN."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import AdaLIN, Conv, Dense
from jaxsyn.layers.adalin import Mix
from jaxsyn.layers.initializers import DEFAULT, Initializer


class GainAndShift(nn.Module):
    """Features [B, H, W, C] -> one gain and one bias for each channel, both [B, C], for all AdaLIN blocks.

    Attributes:
        light: whether the features' means serve instead of all of them. That takes images of any size and spares most
            of a generator's parameters.
    """

    light: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        channels = x.shape[-1]
        options = {"use_bias": False, "kernel_init": self.kernel_init, "dtype": self.dtype}
        # The checkpoints flatten channel, row, column.
        x = x.mean((1, 2)) if self.light else jnp.moveaxis(x, -1, 1).reshape(x.shape[0], -1)
        for i in range(2):
            x = nn.relu(Dense(channels, name=f"hidden_{i}", **options)(x))
        gamma, beta = (Dense(channels, name=name, **options)(x) for name in ("gamma", "beta"))
        return gamma, beta


class AdaLINBlock(nn.Module):
    """x + (3x3, AdaLIN, ReLU, 3x3, AdaLIN), with reflected borders: [B, H, W, C] -> the same shape."""

    mix: Mix
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, gamma: jax.Array, beta: jax.Array) -> jax.Array:
        def step(y: jax.Array, i: int) -> jax.Array:
            options = {"use_bias": False, "kernel_init": self.kernel_init, "dtype": self.dtype}
            y = Conv(x.shape[-1], padding_mode="reflect", name=f"conv_{i}", **options)(y)
            return AdaLIN(self.mix, dtype=self.dtype, name=f"norm_{i}")(y, gamma, beta)

        return x + step(nn.relu(step(x, 0)), 1)

"""The convolution and residual blocks of MUNIT's networks (Huang et al., ECCV 2018, supplement B)."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Activation, BatchNorm, Conv, InstanceNorm, LayerNorm, adain
from jaxsyn.layers.initializers import DEFAULT, Initializer

NORMS = ("none", "instance", "layer", "batch", "spectral", "adaptive")
PADDINGS = ("reflect", "replicate", "zeros")
# Of adaptive instance norm: gains and biases, each [B, C].
Affine = tuple[jax.Array, jax.Array]


class ConvBlock(nn.Module):
    """Convolution with a bias, then norm, then activation: [B, H, W, I] -> [B, h, w, features].

    The padding, (kernel_size - 1) // 2 pixels, keeps the size, or halves it with kernel 4 and stride 2.

    Attributes:
        norm: `none`, `instance` (not affine), `layer` (MUNIT's), `batch` (affine), `spectral` (of the kernel), or
            `adaptive`, whose gains and biases come with the call.
        activation: a kind of `Activation`.
        padding: `reflect`, `replicate` or `zeros`.
    """

    features: int
    kernel_size: int = 3
    stride: int = 1
    norm: str = "none"
    activation: str = "relu"
    padding: str = "reflect"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, affine: Affine | None = None) -> jax.Array:
        """
        Raises:
            UserError: no such norm, activation or padding.
        """
        for kind, known in ((self.norm, NORMS), (self.padding, PADDINGS)):
            if kind not in known:
                raise UserError(f"a convolution block knows no {kind!r}; choose one of {', '.join(known)}")
        x = Conv(
            self.features,
            self.kernel_size,
            self.stride,
            padding=(self.kernel_size - 1) // 2,
            padding_mode=self.padding,
            spectral=self.norm == "spectral",
            kernel_init=self.kernel_init,
            dtype=self.dtype,
            name="conv",
        )(x)
        return Activation(self.activation, name="activation")(self._normalize(x, affine))

    def _normalize(self, x: jax.Array, affine: Affine | None) -> jax.Array:
        options = {"dtype": self.dtype, "name": "norm"}
        match self.norm:
            case "instance":
                return InstanceNorm(**options)(x)
            case "layer":
                return LayerNorm(**options)(x)
            case "batch":
                return BatchNorm(affine=True, **options)(x)
            case "adaptive":
                UnusedStatistics(x.shape[-1], name="norm")()
                return adain(x, *affine)
        return x


class UnusedStatistics(nn.Module):
    """Running statistics that the authors' AdaIN keeps and never reads: they only make their checkpoints fit."""

    channels: int

    @nn.compact
    def __call__(self) -> None:
        self.variable("batch_stats", "mean", jnp.zeros, (self.channels,))
        self.variable("batch_stats", "var", jnp.ones, (self.channels,))


class ResidualBlock(nn.Module):
    """x + (3x3, norm, activation, 3x3, norm): [B, H, W, C] -> the same shape. Attributes as of `ConvBlock`."""

    norm: str = "instance"
    activation: str = "relu"
    padding: str = "reflect"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, affines: Sequence[Affine | None] = (None, None)) -> jax.Array:
        """affines: of the two adaptive norms."""
        options = {"norm": self.norm, "padding": self.padding, "kernel_init": self.kernel_init, "dtype": self.dtype}
        y = ConvBlock(x.shape[-1], activation=self.activation, name="conv_0", **options)(x, affines[0])
        return x + ConvBlock(x.shape[-1], activation="none", name="conv_1", **options)(y, affines[1])


# What blocks are called where names differ from the authors' whatever the network.
CONV_BLOCK_NAMES = ((r"\bactivation\.slope$", "activation.weight"),)

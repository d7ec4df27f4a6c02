"""The decoder of AdaIN auto-encoders, and the network that gives it the parameters of its AdaIN layers."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Activation, Dense, upsample_nearest
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.precision import at_least_float32
from jaxsyn.networks.conv_block import Affine, ConvBlock, ResidualBlock


class AdainDecoder(nn.Module):
    """MUNIT's decoder (supplement B.1): content code [B, h, w, C] -> image [B, H, W, out_channels] in [-1, 1], float32.

    Residual blocks, then doublings of the size, each a 5x5 convolution with layer norm that halves the channels.

    Attributes:
        norm: of the residual blocks: `adaptive`, or another kind of `ConvBlock` (UNIT's: `instance`).
        activation, padding: of every convolution.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    num_upsamplings: int = 2
    num_blocks: int = 4
    norm: str = "adaptive"
    out_channels: int = 3
    activation: str = "relu"
    padding: str = "reflect"
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, content: jax.Array, parameters: jax.Array | None = None) -> jax.Array:
        """parameters: [B, adain_size(C, num_blocks)], of the adaptive norms."""
        options = {"padding": self.padding, "kernel_init": self.kernel_init, "dtype": self.dtype}
        affines: list[Affine | None] = [None] * 2 * self.num_blocks
        if parameters is not None:
            affines = split_parameters(parameters, content.shape[-1])
        x, block = content, nn.remat(ResidualBlock) if self.remat else ResidualBlock
        for i in range(self.num_blocks):
            pair = affines[2 * i : 2 * i + 2]
            x = block(self.norm, self.activation, name=f"block_{i}", **options)(x, pair)
        options |= {"activation": self.activation, "norm": "layer"}
        for i in range(self.num_upsamplings):
            x = ConvBlock(x.shape[-1] // 2, kernel_size=5, name=f"up_{i}", **options)(upsample_nearest(x))
        options |= {"activation": "none", "norm": "none"}
        x = ConvBlock(self.out_channels, kernel_size=7, name="conv_out", **options)(x)
        return jnp.tanh(at_least_float32(x))


def adain_size(channels: int, num_blocks: int) -> int:
    """How many numbers the adaptive norms of a decoder take: gain and bias, two norms a block."""
    return 4 * num_blocks * channels


def split_parameters(parameters: jax.Array, channels: int) -> list[Affine]:
    """[B, P] to gain and bias [B, channels] of each norm: layer by layer, the biases of a layer before its gains."""
    layers = parameters.reshape(parameters.shape[0], -1, 2, channels)
    return [(layers[:, i, 1], layers[:, i, 0]) for i in range(layers.shape[1])]


class StyleMLP(nn.Module):
    """Style code [B, D] -> parameters [B, size] of adaptive norms, by linear layers (MUNIT, section 5.1).

    Attributes:
        width: of the hidden layers, which the activation follows.
    """

    size: int
    width: int = 256
    num_layers: int = 3
    activation: str = "relu"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, style: jax.Array) -> jax.Array:
        common, x = {"kernel_init": self.kernel_init, "dtype": self.dtype}, style
        for i in range(self.num_layers - 1):
            x = Dense(self.width, name=f"layer_{i}", **common)(x)
            x = Activation(self.activation, name=f"activation_{i}")(x)
        return Dense(self.size, name=f"layer_{self.num_layers - 1}", **common)(x)


def adain_decoder_names(ours: str, theirs: str, num_upsamplings: int) -> tuple[tuple[str, str], ...]:
    """Renamings of a submodule `ours` to the authors' PyTorch module `theirs`, a sequence that counts the doublings."""
    ups = [(rf"\b{ours}\.up_{i}\.", f"{theirs}.model.{2 * i + 2}.") for i in range(num_upsamplings)]
    return (
        (rf"\b{ours}\.block_(\d+)\.conv_(\d)\.", rf"{theirs}.model.0.model.\1.model.\2."),
        *ups,
        (rf"\b{ours}\.conv_out\.", f"{theirs}.model.{2 * num_upsamplings + 1}."),
    )


def style_mlp_names(ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    """Renamings of a submodule `ours` to the authors' PyTorch module `theirs`."""
    return (
        (rf"\b{ours}\.layer_(\d+)\.", rf"{theirs}.model.\1.fc."),
        (rf"\b{ours}\.activation_(\d+)\.", rf"{theirs}.model.\1.activation."),
    )

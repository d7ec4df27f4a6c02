"""NICE-GAN's generator: from the code of an image, which its discriminator makes, to an image."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import LIN, Conv, SoftmaxMix, pixel_shuffle
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.adalin_blocks import AdaLINBlock, GainAndShift

# At first nine tenths of a block's norm are instance normalisation, and of the others' layer normalisation.
ADAPTIVE_MIX = partial(SoftmaxMix, (3.2, 1.0))
MIX = partial(SoftmaxMix, (1.0, 3.2))


class SubpixelUp(nn.Module):
    """Twice the size and half the channels: 3x3, LIN, ReLU, 1x1, pixel shuffle, LIN, ReLU.

    [B, H, W, C] -> [B, 2H, 2W, C / 2].
    """

    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        features = x.shape[-1] // 2
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        x = Conv(features, padding_mode="reflect", use_bias=False, name="conv", **common)(x)
        x = nn.relu(LIN(MIX, dtype=self.dtype, name="norm_0")(x))
        x = pixel_shuffle(Conv(4 * features, kernel_size=1, name="expand", **common)(x))
        return nn.relu(LIN(MIX, dtype=self.dtype, name="norm_1")(x))


class NiceGenerator(nn.Module):
    """The generator of NICE-GAN (Chen et al., CVPR 2020, section 3.2).

    Code [B, h, w, C] -> image [B, H, W, out_channels] in [-1, 1], float32.

    Attributes:
        width: channels before the last convolution, twice as many before each doubling of the size.
        num_upsamplings: by how many factors of 2 the image is larger than the code.
        num_blocks: residual blocks with AdaLIN.
        light: whether gains and biases come of the features' means; otherwise the network is of one image size.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    width: int = 64
    num_upsamplings: int = 2
    num_blocks: int = 6
    light: bool = False
    out_channels: int = 3
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        reflect = {"padding_mode": "reflect", **common}
        self.conv_in = Conv(self.width * 2**self.num_upsamplings, **reflect)
        self.norm_in = LIN(MIX, dtype=self.dtype)
        self.affine = GainAndShift(self.light, **common)
        block = nn.remat(AdaLINBlock) if self.remat else AdaLINBlock
        self.block = [block(ADAPTIVE_MIX, **common) for _ in range(self.num_blocks)]
        self.up = [SubpixelUp(**common) for _ in range(self.num_upsamplings)]
        self.conv_out = Conv(self.out_channels, kernel_size=7, use_bias=False, **reflect)

    def start(self, code: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """The features [B, h, w, width * 2**n] that the blocks begin with, and all blocks' gain and bias."""
        x = nn.relu(self.norm_in(self.conv_in(code)))
        return x, self.affine(x)

    def __call__(self, code: jax.Array) -> jax.Array:
        x, affine = self.start(code)
        for block in self.block:
            x = block(x, *affine)
        for up in self.up:
            x = up(x)
        return jnp.tanh(self.conv_out(x).astype(jnp.float32))


def nice_generator_names(num_upsamplings: int, num_blocks: int) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module, whose sequences count paddings and activations too."""
    rules = [
        (r"\.mix\.rho$", ".rho"),
        (r"^conv_in", "UpBlock0.1"),
        (r"^norm_in", "UpBlock0.2"),
        (r"^affine\.hidden_0", "FC.0"),
        (r"^affine\.hidden_1", "FC.2"),
        (r"^affine\.", ""),
        (r"^conv_out", f"UpBlock2.{8 * num_upsamplings + 1}"),
    ]
    for i in range(num_upsamplings):
        for ours, position in (("conv", 1), ("norm_0", 2), ("expand", 4), ("norm_1", 6)):
            rules.append((rf"^up_{i}\.{ours}\.", f"UpBlock2.{8 * i + position}."))
    for i in range(num_blocks):
        for j in range(2):
            rules.append((rf"^block_{i}\.(conv|norm)_{j}\.", rf"UpBlock1_{i + 1}.\g<1>{j + 1}."))
    return tuple(rules)

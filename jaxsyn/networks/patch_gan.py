"""The discriminators of pix2pix and CycleGAN: PatchGAN, and PixelGAN, which judges every pixel by itself."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.plain_norm import has_bias, plain_norm

KERNEL_SIZE, PADDING, LARGEST_MULTIPLE = 4, 1, 8


class PatchGAN(nn.Module):
    """PatchGAN (Isola et al., CVPR 2017, section 3.2.2 and appendix 6.1.2): logits of overlapping patches.

    Image [B, H, W, C] -> its convolutions' outputs after their activation, the last being the logits [B, h, w, 1]. A
    conditional one takes the images one behind the other: concat(source, image). 256 pixels make 30x30 logits. (The
    Lua code of CycleGAN pads by 2 and so has larger maps; `PatchDiscriminator` is pix2pixHD's form, which does too.)

    Attributes:
        width: channels after the first convolution; doubled by each further one, up to eightfold.
        num_layers: 1 to 6 see patches of 16, 34, 70, 142, 286 and 574 pixels.
        norm: `batch`, `instance` or `none`, after every convolution but the first and the last.
    """

    width: int = 64
    num_layers: int = 3
    norm: str = "batch"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> list[jax.Array]:
        options = {"kernel_size": KERNEL_SIZE, "padding": PADDING, "kernel_init": self.kernel_init, "dtype": self.dtype}
        layers = [nn.leaky_relu(Conv(self.width, stride=2, name="conv_0", **options)(image), 0.2)]
        for i in range(1, self.num_layers + 1):
            features, stride = self.width * min(2**i, LARGEST_MULTIPLE), 2 if i < self.num_layers else 1
            x = Conv(features, stride=stride, use_bias=has_bias(self.norm), name=f"conv_{i}", **options)(layers[-1])
            layers.append(nn.leaky_relu(plain_norm(x, self.norm, dtype=self.dtype, name=f"norm_{i}"), 0.2))
        return [*layers, Conv(1, name=f"conv_{self.num_layers + 1}", **options)(layers[-1])]


def patch_gan_names(num_layers: int) -> tuple[tuple[str, str], ...]:
    """Renamings of `PatchGAN` to the authors' PyTorch module."""
    rules = [(r"^conv_0\.", "model.0.")]
    for i in range(1, num_layers + 2):
        rules += [(rf"^conv_{i}\.", f"model.{3 * i - 1}."), (rf"^norm_{i}\.", f"model.{3 * i}.")]
    return tuple(rules)


class PixelGAN(nn.Module):
    """1x1 PatchGAN (appendix 6.1.2): logits [B, H, W, 1] of each pixel's colour alone; returns what `PatchGAN` does.

    Attributes:
        width: channels after the first convolution; the second has twice as many.
        norm: `batch`, `instance` or `none`, after the second convolution.
    """

    width: int = 64
    norm: str = "batch"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> list[jax.Array]:
        options = {"kernel_size": 1, "kernel_init": self.kernel_init, "dtype": self.dtype}
        bias = has_bias(self.norm)
        first = nn.leaky_relu(Conv(self.width, name="conv_0", **options)(image), 0.2)
        x = Conv(2 * self.width, use_bias=bias, name="conv_1", **options)(first)
        second = nn.leaky_relu(plain_norm(x, self.norm, dtype=self.dtype, name="norm_1"), 0.2)
        # As in the authors' code, the logits have a bias with instance norm alone.
        return [first, second, Conv(1, use_bias=bias, name="conv_2", **options)(second)]


PIXEL_GAN_NAMES = (
    (r"^conv_0\.", "net.0."),
    (r"^conv_1\.", "net.2."),
    (r"^norm_1\.", "net.3."),
    (r"^conv_2\.", "net.5."),
)

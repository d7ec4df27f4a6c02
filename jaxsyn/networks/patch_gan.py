"""The discriminators of pix2pix, CycleGAN and BicycleGAN: PatchGAN, on several scales too, and PixelGAN on pixels."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv, average_pool
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
        bias: whether these convolutions have a bias; None: with instance norm alone.
    """

    width: int = 64
    num_layers: int = 3
    norm: str = "batch"
    bias: bool | None = None
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> list[jax.Array]:
        options = {"kernel_size": KERNEL_SIZE, "padding": PADDING, "kernel_init": self.kernel_init, "dtype": self.dtype}
        bias = has_bias(self.norm) if self.bias is None else self.bias
        layers = [nn.leaky_relu(Conv(self.width, stride=2, name="conv_0", **options)(image), 0.2)]
        for i in range(1, self.num_layers + 1):
            features, stride = self.width * min(2**i, LARGEST_MULTIPLE), 2 if i < self.num_layers else 1
            x = Conv(features, stride=stride, use_bias=bias, name=f"conv_{i}", **options)(layers[-1])
            layers.append(nn.leaky_relu(plain_norm(x, self.norm, dtype=self.dtype, name=f"norm_{i}"), 0.2))
        return [*layers, Conv(1, name=f"conv_{self.num_layers + 1}", **options)(layers[-1])]


def patch_gan_names(num_layers: int, ours: str = "", theirs: str = "model.") -> tuple[tuple[str, str], ...]:
    """Renamings of `PatchGAN` to the authors' PyTorch module, `ours` and `theirs` being what stands before them."""
    rules = [(rf"^{ours}conv_0\.", f"{theirs}0.")]
    for i in range(1, num_layers + 2):
        rules += [(rf"^{ours}conv_{i}\.", f"{theirs}{3 * i - 1}."), (rf"^{ours}norm_{i}\.", f"{theirs}{3 * i}.")]
    return tuple(rules)


class PatchGANPyramid(nn.Module):
    """`PatchGAN`s with weights of their own on ever coarser images, and ever narrower: BicycleGAN's discriminator.

    Image [B, H, W, C] -> of each scale, the finest first, what `PatchGAN` returns. The k-th sees the image after k
    average poolings, 3x3 with stride 2, padding left out of the count, and has a 2**k-th of the width.

    Attributes:
        width: of the finest; halves are rounded to even.
        bias: whether convolutions that a norm follows have a bias: in the authors' networks of several scales always.
    """

    num_scales: int = 2
    width: int = 64
    num_layers: int = 3
    norm: str = "instance"
    bias: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> list[list[jax.Array]]:
        scales = []
        for scale in range(self.num_scales):
            image = average_pool(image) if scale else image
            shape = (round(self.width / 2**scale), self.num_layers, self.norm, self.bias, self.kernel_init, self.dtype)
            scales.append(PatchGAN(*shape, name=f"scale_{scale}")(image))
        return scales


def patch_gan_pyramid_names(num_scales: int, num_layers: int) -> tuple[tuple[str, str], ...]:
    """Renamings of `PatchGANPyramid` to the authors' PyTorch module, which numbers several scales."""
    if num_scales == 1:
        return patch_gan_names(num_layers, r"scale_0\.")
    names = (patch_gan_names(num_layers, rf"scale_{i}\.", f"model_{i}.") for i in range(num_scales))
    return tuple(rule for rules in names for rule in rules)


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

"""DeepLab-v2 on ResNet-101 (Chen et al., TPAMI 2018, arXiv 1606.00915), by which COCO-Stuff results are scored."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.pooling import max_pool_ceil
from jaxsyn.layers.resample import bilinear_axis, resample
from jaxsyn.networks.bottleneck import EXPANSION, stored_norm

# Flax path -> name in the checkpoints of github.com/kazuto1011/deeplab-pytorch.
TORCH_RULES = ((r"(layer\d)_", r"\1."), (r"aspp_", "aspp."))

# Mean of BGR images in 0 .. 255 that the released weights expect.
MEAN = (104.008, 116.669, 122.675)


class ConvNorm(nn.Module):
    """Convolution without bias, norm, and a ReLU unless told otherwise."""

    width: int
    window: int = 1
    stride: int = 1
    dilation: int = 1
    relu: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = nn.Conv(
            self.width,
            (self.window, self.window),
            (self.stride, self.stride),
            self.dilation * (self.window // 2),
            kernel_dilation=(self.dilation, self.dilation),
            use_bias=False,
            name="conv",
        )(x)
        x = stored_norm("bn")(x)
        return nn.relu(x) if self.relu else x


class Block(nn.Module):
    """Bottleneck whose stride sits on the first 1x1 convolution, as in Caffe's ResNet."""

    width: int
    stride: int
    dilation: int
    project: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        wide = EXPANSION * self.width
        y = ConvNorm(self.width, 1, self.stride, name="reduce")(x)
        y = ConvNorm(self.width, 3, dilation=self.dilation, name="conv3x3")(y)
        y = ConvNorm(wide, relu=False, name="increase")(y)
        if self.project:
            x = ConvNorm(wide, 1, self.stride, relu=False, name="shortcut")(x)
        return nn.relu(x + y)


class DeepLabV2(nn.Module):
    """Atrous ResNet and the sum of four dilated classifiers, at one scale."""

    num_classes: int = 182
    blocks: tuple[int, int, int, int] = (3, 4, 23, 3)
    rates: tuple[int, ...] = (6, 12, 18, 24)

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """images [B, H, W, 3] through `deeplab_input` -> scores [B, about H / 8, about W / 8, K]."""
        x = max_pool_ceil(ConvNorm(64, 7, 2, name="layer1_conv1")(images), padding=1)
        levels = zip(self.blocks, (64, 128, 256, 512), (1, 2, 1, 1), (1, 1, 2, 4), strict=True)
        for level, (count, width, stride, dilation) in enumerate(levels, start=2):
            for block in range(1, count + 1):
                first = block == 1
                x = Block(width, stride if first else 1, dilation, first, name=f"layer{level}_block{block}")(x)
        return sum(
            nn.Conv(self.num_classes, (3, 3), padding=rate, kernel_dilation=(rate, rate), name=f"aspp_c{index}")(x)
            for index, rate in enumerate(self.rates)
        )


class MultiScaleDeepLab(nn.Module):
    """The maximum of the scores of an image and of its reductions, at the size of the first."""

    num_classes: int = 182
    blocks: tuple[int, int, int, int] = (3, 4, 23, 3)
    rates: tuple[int, ...] = (6, 12, 18, 24)
    scales: tuple[float, ...] = (0.5, 0.75)

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """images [B, H, W, 3] through `deeplab_input` -> scores [B, about H / 8, about W / 8, K]."""
        base = DeepLabV2(self.num_classes, self.blocks, self.rates, name="base")
        scores = base(images)
        best = scores
        for scale in self.scales:
            best = jnp.maximum(best, resample(base(reduced(images, scale)), *scores.shape[1:3], bilinear_axis))
        return best


def reduced(images: jax.Array, scale: float) -> jax.Array:
    """Bilinear resize by a factor, [B, H, W, C] -> [B, floor(scale H), floor(scale W), C].

    The coordinates step by 1 / scale, not by in / out, which differs where the size is no multiple.
    """
    height, width = (int(size * scale) for size in images.shape[1:3])
    return resample(images, height, width, lambda length, size: bilinear_axis(length, size, step=1 / scale))


def deeplab_input(images: jax.Array) -> jax.Array:
    """Images [B, H, W, 3] in [-1, 1], RGB, for the released COCO-Stuff weights: BGR 0 .. 255 less the mean."""
    return (images[..., ::-1] + 1) * 127.5 - jnp.array(MEAN, images.dtype)

"""UperNet-101 (Xiao et al., ECCV 2018, arXiv 1807.10221), by which ADE20K results are scored.

The released weights come as two files, the encoder's and the decoder's: two networks here.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.resample import area_axis, bilinear_axis, resample
from jaxsyn.networks.bottleneck import Bottleneck, stored_norm

# Flax paths -> names in the checkpoints of github.com/CSAILVision/semantic-segmentation-pytorch.
ENCODER_RULES = ((r"(layer\d)_(\d+)", r"\1.\2"), (r"downsample_(\d)", r"downsample.\1"))
DECODER_RULES = (
    (r"^(ppm_conv|fpn_in|ppm_last_conv|conv_last)_", r"\1."),
    (r"^fpn_out_(\d)", r"fpn_out.\1.0"),
    (r"^conv_last\.norm", "conv_last.0"),
)

# ImageNet statistics, for RGB images in [0, 1].
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class ResNetEncoder(nn.Module):
    """ResNet with a stem of three 3x3 convolutions; the defaults are ResNet-101."""

    blocks: tuple[int, int, int, int] = (3, 4, 23, 3)

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, ...]:
        """images [B, H, W, 3] through `upernet_input` -> maps [B, H / s, W / s, c], s = 4 .. 32, c = 256 .. 2048."""
        x = images
        for index, (width, stride) in enumerate(((64, 2), (64, 1), (128, 1)), start=1):
            x = nn.Conv(width, (3, 3), (stride, stride), 1, use_bias=False, name=f"conv{index}")(x)
            x = nn.relu(stored_norm(f"bn{index}")(x))
        x = nn.max_pool(x, (3, 3), (2, 2), padding=((1, 1), (1, 1)))
        maps = []
        for level, (count, width) in enumerate(zip(self.blocks, (64, 128, 256, 512), strict=True), start=1):
            for block in range(count):
                stride = 2 if level > 1 and block == 0 else 1
                x = Bottleneck(width, stride, project=block == 0, name=f"layer{level}_{block}")(x)
            maps.append(x)
        return tuple(maps)


class UperNetDecoder(nn.Module):
    """Pyramid pooling of the last map, then a feature pyramid over all four."""

    num_classes: int = 150
    width: int = 512
    bins: tuple[int, ...] = (1, 2, 3, 6)

    @nn.compact
    def __call__(self, maps: tuple[jax.Array, ...]) -> jax.Array:
        """The encoder's four maps -> scores [B, H / 4, W / 4, K]."""
        last = maps[-1]
        pooled = [last]
        for index, bins in enumerate(self.bins):
            x = resample(resample(last, bins, bins, area_axis), *last.shape[1:3], bilinear_axis)
            pooled.append(ConvNorm(self.width, 1, name=f"ppm_conv_{index}")(x))
        x = ConvNorm(self.width, 3, name="ppm_last_conv")(jnp.concatenate(pooled, axis=-1))
        levels = [x]
        for index in reversed(range(len(maps) - 1)):
            lateral = ConvNorm(self.width, 1, name=f"fpn_in_{index}")(maps[index])
            x = lateral + resample(x, *lateral.shape[1:3], bilinear_axis)
            levels.insert(0, ConvNorm(self.width, 3, name=f"fpn_out_{index}")(x))
        size = levels[0].shape[1:3]
        joined = jnp.concatenate([levels[0], *(resample(x, *size, bilinear_axis) for x in levels[1:])], axis=-1)
        x = ConvNorm(self.width, 3, name="conv_last_norm")(joined)
        return nn.Conv(self.num_classes, (1, 1), name="conv_last_1")(x)


class ConvNorm(nn.Module):
    """Convolution without bias, norm, ReLU; named as the members 0 and 1 of a torch Sequential."""

    width: int
    window: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = nn.Conv(self.width, (self.window, self.window), padding=self.window // 2, use_bias=False, name="0")(x)
        return nn.relu(stored_norm("1")(x))


def class_probabilities(scores: jax.Array, height: int, width: int) -> jax.Array:
    """Scores [B, h, w, K] -> probabilities [B, height, width, K]: resized, then softmax, as in the authors' test."""
    return nn.softmax(resample(scores, height, width, bilinear_axis))


def upernet_input(images: jax.Array) -> jax.Array:
    """Images [B, H, W, 3] in [-1, 1], RGB, as the released ADE20K weights expect them."""
    return ((images + 1) / 2 - jnp.array(MEAN, images.dtype)) / jnp.array(STD, images.dtype)

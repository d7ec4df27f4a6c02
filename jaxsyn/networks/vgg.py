"""VGG feature networks (Simonyan & Zisserman, ICLR 2015, arXiv 1409.1556), layers numbered as torchvision does."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.layers.resample import area_axis, resample

# Flax path -> name in torchvision's VGG checkpoints.
TORCH_RULES = ((r"(features|classifier)_(\d+)", r"\1.\2"),)

CONV, RELU, POOL = "conv", "relu", "pool"


class VGG(nn.Module):
    """The convolutions of a VGG network; feature taps are indices into torchvision's `features`.

    blocks: convolutions per block; a block ends in a 2x2 max pool.
    taps: layers to return, in this order: a convolution (before its ReLU), a ReLU or a pool. Layers after the
        last tap are neither built nor run.
    pooled_blocks: how many blocks keep their pool. MUNIT's VGG-16 has 3: no pool between conv4_3 and conv5_1. Layers
        keep their usual numbers all the same.
    num_classes: if given, the classifier is built as well and its logits follow the taps.
    dtype: compute type; None follows the input.
    """

    blocks: tuple[int, ...]
    taps: tuple[int, ...] = ()
    pooled_blocks: int = 5
    num_classes: int | None = None
    dtype: Any = None

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, ...]:
        """images [B, H, W, 3], already normalised as the weights ask -> one [B, h, w, c] a tap (then logits [B, K])."""
        plan = list(_plan(self.blocks))
        last = len(plan) - 1 if self.num_classes is not None else max(self.taps)
        x, found = images, {}
        for index, (kind, width, block) in enumerate(plan[: last + 1]):
            if kind == CONV:
                x = nn.Conv(width, (3, 3), padding=1, dtype=self.dtype, name=f"features_{index}")(x)
            elif kind == RELU:
                x = nn.relu(x)
            elif block < self.pooled_blocks:
                x = nn.max_pool(x, (2, 2), strides=(2, 2))
            found[index] = x
        outputs = tuple(found[tap] for tap in self.taps)
        return outputs if self.num_classes is None else (*outputs, self._classify(x))

    def _classify(self, x: jax.Array) -> jax.Array:
        x = resample(x, 7, 7, area_axis)
        x = jnp.moveaxis(x, -1, 1).reshape(len(x), -1)  # the checkpoints flatten channel, row, column
        for index, width in ((0, 4096), (3, 4096)):
            x = nn.relu(nn.Dense(width, dtype=self.dtype, name=f"classifier_{index}")(x))
        return nn.Dense(self.num_classes, dtype=self.dtype, name="classifier_6")(x)


def _plan(blocks: tuple[int, ...]):
    for block, (convolutions, width) in enumerate(zip(blocks, (64, 128, 256, 512, 512), strict=True)):
        for _ in range(convolutions):
            yield CONV, width, block
            yield RELU, width, block
        yield POOL, width, block


# Default taps: relu1_1, relu2_1, relu3_1, relu4_1, relu5_1, the layers of the perceptual loss of pix2pixHD and SPADE.
VGG19 = partial(VGG, blocks=(2, 2, 4, 4, 4), taps=(1, 6, 11, 20, 29))
# Default taps: relu1_2, relu2_2, relu3_3, relu4_3, relu5_3, the layers of LPIPS.
VGG16 = partial(VGG, blocks=(2, 2, 3, 3, 3), taps=(3, 8, 15, 22, 29))

# Blue, green, red means of Caffe's ImageNet models, whose colours are 0 to 255.
CAFFE_MEANS = (103.939, 116.779, 123.680)


def caffe_input(images: jax.Array) -> jax.Array:
    """RGB images [B, H, W, 3] in [-1, 1] as Caffe's weights ask for them: BGR from 0 to 255, less the means."""
    return (images[..., ::-1] + 1) * 127.5 - jnp.asarray(CAFFE_MEANS, images.dtype)

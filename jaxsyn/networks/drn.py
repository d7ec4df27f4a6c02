"""DRN-D-105 (Yu et al., CVPR 2017, arXiv 1705.09914), by which Cityscapes results are scored."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import lax

from jaxsyn.networks.bottleneck import Bottleneck, stored_norm

# Flax path -> name in the checkpoints of github.com/fyu/drn.
TORCH_RULES = ((r"base_(\d+)_(\d+)", r"base.\1.\2"), (r"downsample_(\d)", r"downsample.\1"))

# RGB statistics of Cityscapes that the released weights expect, for images in [0, 1].
MEAN = (0.290101, 0.328081, 0.286964)
STD = (0.182954, 0.186566, 0.184475)

STRIDE = 8


class DRN(nn.Module):
    """DRN-D segmentation network; the defaults are DRN-D-105."""

    num_classes: int = 19
    blocks: tuple[int, int, int, int] = (3, 4, 23, 3)

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        """images [B, H, W, 3] through `drn_input`; H and W multiples of 8.

        Returns scores [B, H / 8, W / 8, K] and log-probabilities [B, H, W, K].
        """
        x = self._conv_norm(images, 0, 16, window=7)
        x = self._conv_norm(x, 1, 16)
        x = self._conv_norm(x, 2, 32, stride=2)
        levels = zip(self.blocks, (64, 128, 256, 512), (2, 2, 1, 1), (1, 1, 2, 4), strict=True)
        for level, (count, width, stride, dilation) in enumerate(levels, start=3):
            for block in range(count):
                first = block == 0
                x = Bottleneck(width, stride if first else 1, dilation, project=first, name=f"base_{level}_{block}")(x)
        x = self._conv_norm(x, 7, 512, dilation=2)
        x = self._conv_norm(x, 8, 512)
        scores = nn.Conv(self.num_classes, (1, 1), name="seg")(x)
        return scores, nn.log_softmax(Upsampling(name="up")(scores))

    def _conv_norm(
        self, x: jax.Array, level: int, width: int, window: int = 3, stride: int = 1, dilation: int = 1
    ) -> jax.Array:
        x = nn.Conv(
            width,
            (window, window),
            (stride, stride),
            dilation * (window // 2),
            kernel_dilation=(dilation, dilation),
            use_bias=False,
            name=f"base_{level}_0",
        )(x)
        return nn.relu(stored_norm(f"base_{level}_1")(x))


class Upsampling(nn.Module):
    """Enlarges each class map by 8: a transposed convolution of its own, bilinear unless a checkpoint differs."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, h, w, K] -> [B, 8 h, 8 w, K]."""
        classes, window, padding = x.shape[-1], 2 * STRIDE, STRIDE // 2
        kernel = self.param("transposed_kernel", _bilinear_kernel, (window, window, classes, 1))
        border = window - 1 - padding
        return lax.conv_general_dilated(
            x,
            jnp.swapaxes(kernel[::-1, ::-1], 2, 3),
            window_strides=(1, 1),
            padding=((border, border),) * 2,
            lhs_dilation=(STRIDE, STRIDE),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=classes,
        )


def drn_input(images: jax.Array) -> jax.Array:
    """Images [B, H, W, 3] in [-1, 1], RGB, as the released Cityscapes weights expect them."""
    return ((images + 1) / 2 - jnp.array(MEAN, images.dtype)) / jnp.array(STD, images.dtype)


def _bilinear_kernel(_: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    side = 1 - np.abs(np.arange(shape[0]) - (shape[0] - 1) / 2) / STRIDE
    return jnp.broadcast_to(np.outer(side, side).astype(np.float32)[:, :, None, None], shape)

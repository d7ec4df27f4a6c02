"""A small U-Net that names the class of every pixel: the judge of `scenes`."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import BatchNorm, Conv, upsample_nearest
from jaxsyn.layers.initializers import Initializer

# He initialisation: every convolution but the last one ends in a ReLU.
KERNEL_INIT = nn.initializers.he_normal()


class ConvNormReLU(nn.Module):
    """3x3 convolution, batch norm and ReLU: [B, H, W, C] -> [B, H, W, features]."""

    features: int
    kernel_init: Initializer = KERNEL_INIT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = Conv(self.features, use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype, name="conv")(x)
        return nn.relu(BatchNorm(affine=True, dtype=self.dtype, name="norm")(x))


class SegmenterNet(nn.Module):
    """U-Net (Ronneberger et al., MICCAI 2015, arXiv 1505.04597) of two convolutions a level down and one a level up.

    It is fully convolutional: heights and widths are any multiples of 2 ** (len(widths) - 1).

    Attributes:
        widths: channels of each level, from the image's own size to the coarsest; each level halves the size.
    """

    num_classes: int
    widths: tuple[int, ...] = (16, 32, 64, 96)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Image [B, H, W, 3] in [-1, 1] -> logits [B, H, W, num_classes] and features [B, widths[-1]], float32.

        The features are the coarsest level's, averaged over the image.
        """
        x, skips = image, []
        for level, width in enumerate(self.widths):
            if level:
                skips.append(x)
                x = nn.max_pool(x, (2, 2), (2, 2))
            for i in range(2):
                x = ConvNormReLU(width, dtype=self.dtype, name=f"down_{level}_{i}")(x)
        features = x.astype(jnp.float32).mean((1, 2))
        for level in reversed(range(len(skips))):
            x = jnp.concatenate([upsample_nearest(x), skips[level]], axis=-1)
            x = ConvNormReLU(self.widths[level], dtype=self.dtype, name=f"up_{level}")(x)
        logits = Conv(self.num_classes, kernel_size=1, dtype=self.dtype, name="logits")(x)
        return logits.astype(jnp.float32), features

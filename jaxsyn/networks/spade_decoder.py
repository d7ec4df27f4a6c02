"""The residual decoder of SPADE, which its successors keep: what differs is the normalisation layer.

A method's generator makes the first feature map, calls `decode` with its own blocks, and ends with `to_image`.
"""

from collections.abc import Callable
from typing import Any, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, upsample_nearest
from jaxsyn.layers.initializers import DEFAULT, Initializer

# Name of the generator's depth -> how often it doubles the size of its first feature map.
UPSAMPLINGS = {"normal": 5, "more": 6, "most": 7}


class Layout(Protocol):
    """What conditions a block: a label map and whatever a method puts beside it."""

    def resize(self, height: int, width: int) -> "Layout":
        """The same at another size, by nearest neighbour."""


class SpadeBlock(nn.Module):
    """Residual block with a conditional norm before each convolution (SPADE, figure 4, left).

    [B, H, W, C] -> [B, H, W, features]. The shortcut, where the width changes, is normalised but not activated.

    Attributes:
        norm: makes a norm layer, norm(name=...), which is called as layer(x, layout). It may add channels of its own.
        spectral: spectral normalisation of the convolutions.
        groups: of the convolutions.
    """

    features: int
    norm: Callable[..., nn.Module]
    spectral: bool = True
    groups: int = 1
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, layout: Layout) -> jax.Array:
        middle = min(x.shape[-1], self.features)
        layout = layout.resize(x.shape[1], x.shape[2])

        def norm(y: jax.Array, name: str) -> jax.Array:
            return self.norm(name=name)(y, layout)

        def conv(y: jax.Array, features: int, name: str, **options: Any) -> jax.Array:
            options |= {"spectral": self.spectral, "kernel_init": self.kernel_init, "dtype": self.dtype}
            return Conv(features, name=name, groups=self.groups, **options)(y)

        y = conv(nn.leaky_relu(norm(x, "norm_0"), 0.2), middle, "conv_0")
        y = conv(nn.leaky_relu(norm(y, "norm_1"), 0.2), self.features, "conv_1")
        if x.shape[-1] != self.features:
            x = conv(norm(x, "norm_s"), self.features, "conv_s", kernel_size=1, use_bias=False)
        return x + y


def decode(x: jax.Array, block: Callable[[jax.Array, float, str], jax.Array], upsampling: str) -> jax.Array:
    """Runs the blocks from the first feature map to the last, enlarging between them (SPADE, figure 4, right).

    Args:
        x: [B, h, w, C] first feature map.
        block: (features, width as a multiple of the generator's own, name) -> features.
        upsampling: a key of `UPSAMPLINGS`, the number of doublings.
    """
    x = upsample_nearest(block(x, 16, "head_0"))
    x = block(x, 16, "G_middle_0")
    x = x if upsampling == "normal" else upsample_nearest(x)
    x = upsample_nearest(block(x, 16, "G_middle_1"))
    x = upsample_nearest(block(x, 8, "up_0"))
    x = upsample_nearest(block(x, 4, "up_1"))
    x = upsample_nearest(block(x, 2, "up_2"))
    x = block(x, 1, "up_3")
    return block(upsample_nearest(x), 0.5, "up_4") if upsampling == "most" else x


def to_image(x: jax.Array, kernel_init: Initializer = DEFAULT, dtype: Any = jnp.float32) -> jax.Array:
    """The last features to an image [B, H, W, 3] in [-1, 1], float32; called in the generator's compact method."""
    image = Conv(3, name="conv_img", kernel_init=kernel_init, dtype=dtype)(nn.leaky_relu(x, 0.2))
    return jnp.tanh(image.astype(jnp.float32))


def first_size(height: int, width: int, upsampling: str) -> tuple[int, int]:
    """Size of the first feature map of a generator of images height x width.

    Raises:
        UserError: no such upsampling, or a size that its doublings do not reach.
    """
    if upsampling not in UPSAMPLINGS:
        raise UserError(f"model.generator.upsampling = {upsampling!r}; choose {', '.join(UPSAMPLINGS)}")
    scale = 2 ** UPSAMPLINGS[upsampling]
    if height % scale or width % scale:
        raise UserError(
            f"data.height x data.width = {height}x{width} must be multiples of {scale}, by which "
            f"model.generator.upsampling = {upsampling!r} enlarges its first feature map"
        )
    return height // scale, width // scale

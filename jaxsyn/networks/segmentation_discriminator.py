"""OASIS's discriminator, a U-Net that segments (Schoenfeld et al., ICLR 2021, section 3.2)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.layers import Conv, average_pool, upsample_nearest
from jaxsyn.layers.initializers import DEFAULT, Initializer

# Our parameter names to those of the authors' module.
TORCH_RULES = (
    (r"^body_(down|up)_(\d+)\.", r"body_\1.\2."),
    (r"^(body_down\.0\.conv1)\.", r"\1.0."),
    (r"^(body_down\.\d+\.conv1)\.(?!0\.)", r"\1.1."),
    (r"^(body_up\.\d+\.conv1)\.", r"\1.2."),
    (r"\.conv2\.", r".conv2.1."),
)


class DownBlock(nn.Module):
    """Residual block that halves the size: [B, H, W, C] -> [B, H / 2, W / 2, features].

    The 1x1 convolution of the shortcut commutes with the pooling, so it always runs at the smaller size.

    Attributes:
        first: its input is an image, which is not activated.
    """

    features: int
    first: bool = False
    spectral: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"spectral": self.spectral, "kernel_init": self.kernel_init, "dtype": self.dtype}
        y = Conv(self.features, name="conv1", **options)(x if self.first else nn.leaky_relu(x, 0.2))
        y = _halve(Conv(self.features, name="conv2", **options)(nn.leaky_relu(y, 0.2)))
        shortcut = _halve(x)
        if x.shape[-1] != self.features:
            shortcut = Conv(self.features, 1, name="conv_s", **options)(shortcut)
        return shortcut + y


class UpBlock(nn.Module):
    """Residual block that doubles the size: [B, H, W, C] -> [B, 2 * H, 2 * W, features]; the shortcut as above."""

    features: int
    spectral: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"spectral": self.spectral, "kernel_init": self.kernel_init, "dtype": self.dtype}
        y = Conv(self.features, name="conv1", **options)(upsample_nearest(nn.leaky_relu(x, 0.2)))
        y = Conv(self.features, name="conv2", **options)(nn.leaky_relu(y, 0.2))
        if x.shape[-1] != self.features:
            x = Conv(self.features, 1, name="conv_s", **options)(x)
        return upsample_nearest(x) + y


class SegmentationDiscriminator(nn.Module):
    """Logits of every pixel over "generated" (channel 0) and the classes (c + 1).

    Attributes:
        widths: channels of the blocks that halve the size; the others mirror them.
        last_width: channels before the last convolution, at full size.
        spectral: spectral normalisation of all convolutions but the last.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    num_classes: int
    widths: tuple[int, ...] = (128, 128, 256, 256, 512, 512)
    last_width: int = 64
    spectral: bool = True
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Images [B, H, W, 3], H and W multiples of 2 ** len(widths) -> logits [B, H, W, num_classes + 1], float32."""
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        down, up = (nn.remat(kind) if self.remat else kind for kind in (DownBlock, UpBlock))
        x, skips = image, []
        for i, width in enumerate(self.widths):
            x = down(width, i == 0, self.spectral, name=f"body_down_{i}", **common)(x)
            skips.append(x)
        skips.pop()
        for i, width in enumerate((*self.widths[-2::-1], self.last_width)):
            x = x if i == 0 else jnp.concatenate([skips.pop(), x], axis=-1)
            x = up(width, self.spectral, name=f"body_up_{i}", **common)(x)
        return Conv(self.num_classes + 1, 1, name="layer_up_last", **common)(x).astype(jnp.float32)


def _halve(x: jax.Array) -> jax.Array:
    return average_pool(x, window=2, stride=2, padding=0)

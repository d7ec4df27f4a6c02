"""The face-parsing U-Net of CelebAMask-HQ (Lee et al., CVPR 2020, arXiv 1907.11922), as imaginaire scores faces."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import ConvTranspose
from jaxsyn.layers.resample import bicubic_aligned_axis, resample
from jaxsyn.networks.bottleneck import stored_norm

# Flax path -> name in the released checkpoint.
TORCH_RULES = ((r"(conv[12])_(\d)", r"\1.\2"),)


class DoubleConv(nn.Module):
    """Two 3x3 convolutions with norm and ReLU: [B, H, W, c] -> [B, H, W, width]."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for name in ("conv1", "conv2"):
            x = nn.relu(stored_norm(f"{name}_1")(nn.Conv(self.width, (3, 3), padding=1, name=f"{name}_0")(x)))
        return x


class Ascent(nn.Module):
    """Doubles the size, joins the map that came down at that size, and convolves."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, skip: jax.Array) -> jax.Array:
        x = ConvTranspose(self.width, kernel_size=2, stride=2, padding=0, output_padding=0, name="up")(x)
        return DoubleConv(self.width, name="conv")(jnp.concatenate([skip, x], axis=-1))


class FaceUNet(nn.Module):
    """image_size: the side to which images are resized inside, a multiple of 16."""

    num_classes: int = 19
    image_size: int = 512
    width: int = 16

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """images [B, H, W, 3] in [-1, 1] -> scores [B, image_size, image_size, K]."""
        x = resample(images, self.image_size, self.image_size, bicubic_aligned_axis)
        skips = []
        for level in range(1, 5):
            x = DoubleConv(self.width * 2 ** (level - 1), name=f"conv{level}")(x)
            skips.append(x)
            x = nn.max_pool(x, (2, 2), (2, 2))
        x = DoubleConv(self.width * 16, name="center")(x)
        for level in range(4, 0, -1):
            x = Ascent(self.width * 2 ** (level - 1), name=f"up_concat{level}")(x, skips.pop())
        return nn.Conv(self.num_classes, (1, 1), name="final")(x)

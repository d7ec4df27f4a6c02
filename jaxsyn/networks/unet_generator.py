"""The U-Net of pix2pix: image to image, with skips between mirrored layers."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, ConvTranspose, Dropout
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.plain_norm import has_bias, plain_norm

LARGEST_MULTIPLE = 8
# The outermost levels, at which the width still changes, and the innermost one never drop.
OUTER_LEVELS, FEWEST_LEVELS = 4, 5


class Down(nn.Module):
    """4x4 convolution with stride 2, norm: [B, H, W, I] -> [B, H / 2, W / 2, features]."""

    features: int
    norm: str
    use_bias: bool
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"use_bias": self.use_bias, "kernel_init": self.kernel_init, "dtype": self.dtype}
        x = Conv(self.features, kernel_size=4, stride=2, padding=1, name="conv", **options)(x)
        return plain_norm(x, self.norm, dtype=self.dtype, name="norm")


class Up(nn.Module):
    """ReLU, transposed 4x4 convolution with stride 2, norm, dropout: [B, H, W, I] -> [B, 2 * H, 2 * W, features]."""

    features: int
    norm: str
    use_bias: bool
    dropout: bool
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"use_bias": self.use_bias, "kernel_init": self.kernel_init, "dtype": self.dtype}
        x = ConvTranspose(self.features, kernel_size=4, output_padding=0, name="conv", **options)(nn.relu(x))
        x = plain_norm(x, self.norm, dtype=self.dtype, name="norm")
        return Dropout(name="dropout")(x) if self.dropout else x


class UnetGenerator(nn.Module):
    """The U-Net generator (Isola et al., CVPR 2017, section 3.2.1, appendix 6.1) as the authors' PyTorch code has it.

    Image [B, H, W, C] -> image [B, H, W, out_channels] in [-1, 1], float32; H and W multiples of 2**num_downs. The
    last up convolution has no skip beside it, the innermost level no norm on its way down.

    Attributes:
        num_downs: halvings: 7 for 128 pixels, 8 for 256; at least 5.
        width: channels at half the size, doubled level by level up to eightfold.
        norm: `batch`, `instance` or `none`.
        dropout: whether the middle levels (num_downs - 5 of them) end with dropout. The Lua code has it after the three
            innermost levels instead.
        remat: whether a level's activations are recomputed in the backward pass instead of stored.
    """

    num_downs: int = 8
    width: int = 64
    norm: str = "batch"
    dropout: bool = True
    out_channels: int = 3
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """
        Raises:
            UserError: fewer than five halvings, or a size that cannot be halved so often.
        """
        check_halvings(self.num_downs, *image.shape[1:3])
        down_type, up_type = (nn.remat(kind) if self.remat else kind for kind in (Down, Up))
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        innermost, bias = self.num_downs - 1, has_bias(self.norm)
        widths = level_widths(self.num_downs, self.width)
        x, skips = image, []
        for level, features in enumerate(widths):
            norm = "none" if level in (0, innermost) else self.norm
            x = nn.leaky_relu(x, 0.2) if level else x
            x = down_type(features, norm, bias, name=f"down_{level}", **common)(x)
            skips.append(x)
        x = skips.pop()
        for level in range(innermost, 0, -1):
            dropout = self.dropout and drops(level, self.num_downs)
            x = up_type(widths[level - 1], self.norm, bias, dropout, name=f"up_{level}", **common)(x)
            x = jnp.concatenate([skips.pop(), x], axis=-1)
        x = up_type(self.out_channels, "none", True, False, name="up_0", **common)(x)
        return jnp.tanh(x.astype(jnp.float32))


def check_halvings(num_downs: int, height: int, width: int) -> None:
    """Raises UserError for fewer than five halvings, or an image that cannot be halved so often."""
    if num_downs < FEWEST_LEVELS:
        raise UserError(f"num_downs = {num_downs}: a U-Net has at least {FEWEST_LEVELS} levels")
    scale = 2**num_downs
    if height % scale or width % scale:
        raise UserError(f"images of {height}x{width}: a U-Net with num_downs={num_downs} needs multiples of {scale}")


def level_widths(num_downs: int, width: int) -> list[int]:
    """Channels after the down convolution of each level, the outermost first."""
    return [width * min(2**level, LARGEST_MULTIPLE) for level in range(num_downs)]


def drops(level: int, num_downs: int) -> bool:
    """Whether a level's way up ends with dropout where the U-Net has any; the outermost level is 0."""
    return OUTER_LEVELS <= level < num_downs - 1


def unet_names(num_downs: int) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module, which holds each level inside the one above it."""
    rules = [(r"^down_0\.conv", "model.model.0"), (r"^up_0\.conv", "model.model.3")]
    for level in range(1, num_downs):
        prefix = "model.model.1" + ".model.3" * (level - 1) + ".model"
        up, up_norm = (3, 4) if level == num_downs - 1 else (5, 6)
        positions = {"down": (1, 2), "up": (up, up_norm)}
        for way, (conv, norm) in positions.items():
            rules += [(rf"^{way}_{level}\.conv", f"{prefix}.{conv}"), (rf"^{way}_{level}\.norm", f"{prefix}.{norm}")]
    return tuple(rules)

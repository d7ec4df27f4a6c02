"""The residual encoder-decoder of Johnson et al. (ECCV 2016) in pix2pix's and CycleGAN's form: image to image."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, ConvTranspose, Dropout
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.plain_norm import has_bias, plain_norm

NUM_DOWNS = 2


class ResidualBlock(nn.Module):
    """x + (3x3, norm, ReLU, dropout, 3x3, norm), with reflected borders: [B, H, W, C] -> the same shape."""

    norm: str = "instance"
    dropout: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def step(y: jax.Array, i: int) -> jax.Array:
            options = {"use_bias": has_bias(self.norm), "kernel_init": self.kernel_init, "dtype": self.dtype}
            y = Conv(x.shape[-1], padding_mode="reflect", name=f"conv_{i}", **options)(y)
            return plain_norm(y, self.norm, dtype=self.dtype, name=f"norm_{i}")

        y = nn.relu(step(x, 0))
        y = Dropout(name="dropout")(y) if self.dropout else y
        return x + step(y, 1)


class JohnsonGenerator(nn.Module):
    """The generator of CycleGAN (Zhu et al., ICCV 2017, appendix 7.2), also pix2pix's `resnet_6blocks`, `_9blocks`.

    Image [B, H, W, C] -> image [B, H, W, out_channels] in [-1, 1], float32; H and W multiples of 4.

    Attributes:
        width: channels of the first convolution, fourfold in the blocks.
        num_blocks: 9 for images of 256 pixels and more, 6 for 128.
        norm: `batch`, `instance` or `none`.
        dropout: whether the blocks have dropout between their convolutions.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    width: int = 64
    num_blocks: int = 9
    norm: str = "instance"
    dropout: bool = False
    out_channels: int = 3
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """
        Raises:
            UserError: a size that is no multiple of 4.
        """
        height, width = image.shape[1:3]
        if height % 2**NUM_DOWNS or width % 2**NUM_DOWNS:
            raise UserError(f"images of {height}x{width}: this generator needs multiples of {2**NUM_DOWNS}")
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"use_bias": has_bias(self.norm), **common}

        def activated(x: jax.Array, name: str) -> jax.Array:
            return nn.relu(plain_norm(x, self.norm, dtype=self.dtype, name=name))

        x = Conv(self.width, kernel_size=7, padding_mode="reflect", name="conv_in", **options)(image)
        x = activated(x, "norm_in")
        for i in range(NUM_DOWNS):
            x = activated(Conv(2 * x.shape[-1], stride=2, name=f"down_{i}", **options)(x), f"down_norm_{i}")
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        for i in range(self.num_blocks):
            x = block(self.norm, self.dropout, name=f"block_{i}", **common)(x)
        for i in range(NUM_DOWNS):
            x = activated(ConvTranspose(x.shape[-1] // 2, name=f"up_{i}", **options)(x), f"up_norm_{i}")
        x = Conv(self.out_channels, kernel_size=7, padding_mode="reflect", name="conv_out", **common)(x)
        return jnp.tanh(x.astype(jnp.float32))


def johnson_names(num_blocks: int, dropout: bool, num_downs: int = NUM_DOWNS) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module: one sequence, which counts paddings, activations and dropout too."""
    first_block, second = 4 + 3 * num_downs, 6 if dropout else 5
    first_up = first_block + num_blocks
    rules = [
        (r"^conv_in", "model.1"),
        (r"^norm_in", "model.2"),
        (r"^conv_out", f"model.{first_up + 3 * num_downs + 1}"),
    ]
    for i in range(num_downs):
        for ours, position in (("down", 4 + 3 * i), ("up", first_up + 3 * i)):
            rules += [(rf"^{ours}_{i}\.", f"model.{position}."), (rf"^{ours}_norm_{i}\.", f"model.{position + 1}.")]
    for i in range(num_blocks):
        for j, position in ((0, 1), (1, second)):
            prefix = f"model.{first_block + i}.conv_block"
            rules += [(rf"^block_{i}\.conv_{j}", f"{prefix}.{position}")]
            rules += [(rf"^block_{i}\.norm_{j}", f"{prefix}.{position + 1}")]
    return tuple(rules)

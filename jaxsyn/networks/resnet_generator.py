"""The residual encoder-decoder of Johnson et al. (2016) in pix2pixHD's form, over a label map."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv, ConvTranspose, LabelConv, LabelMap, normalization
from jaxsyn.layers.initializers import DEFAULT, Initializer


class ResnetGenerator(nn.Module):
    """pix2pixHD's global generator as SPADE's repository keeps it for a baseline (`--netG pix2pixhd`).

    Label map [B, H, W] -> image [B, H, W, 3] in [-1, 1]; H and W multiples of 2**num_downsamplings.

    Attributes:
        width: channels after the first convolution, doubled by each down-sampling.
        num_blocks: residual blocks at the coarsest size.
        norm: `batch`, `instance` or `none`; a convolution before a norm has no bias.
        spectral: spectral normalisation of all convolutions but the last.
    """

    width: int = 64
    num_downsamplings: int = 4
    num_blocks: int = 9
    kernel_size: int = 3
    initial_kernel_size: int = 7
    norm: str = "instance"
    spectral: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> jax.Array:
        options = {"spectral": self.spectral, "use_bias": self.norm == "none"}
        options |= {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def normalized(x: jax.Array, name: str) -> jax.Array:
            if self.norm == "none":
                return x
            return normalization(self.norm, affine=self.norm != "instance", dtype=self.dtype, name=name)(x)

        x = LabelConv(
            self.width, kernel_size=self.initial_kernel_size, padding_mode="reflect", name="conv_in", **options
        )(label)
        x = nn.relu(normalized(x, "norm_in"))
        for i in range(self.num_downsamplings):
            x = Conv(self.width * 2 ** (i + 1), stride=2, name=f"down_{i}", **options)(x)
            x = nn.relu(normalized(x, f"down_norm_{i}"))
        reflected = {"kernel_size": self.kernel_size, "padding_mode": "reflect", **options}
        for i in range(self.num_blocks):
            y = Conv(x.shape[-1], name=f"block_{i}_conv_0", **reflected)(x)
            y = nn.relu(normalized(y, f"block_{i}_norm_0"))
            y = Conv(x.shape[-1], name=f"block_{i}_conv_1", **reflected)(y)
            x = x + normalized(y, f"block_{i}_norm_1")
        for i in range(self.num_downsamplings):
            x = ConvTranspose(x.shape[-1] // 2, name=f"up_{i}", **options)(x)
            x = nn.relu(normalized(x, f"up_norm_{i}"))
        image = Conv(
            3, kernel_size=7, padding_mode="reflect", kernel_init=self.kernel_init, dtype=self.dtype, name="conv_out"
        )(x)
        return jnp.tanh(image.astype(jnp.float32))


def sequential_names(downsamplings: int, blocks: int) -> tuple[tuple[str, str], ...]:
    """Renamings to SPADE's PyTorch module: one flat sequence, which counts paddings and activations too."""
    first_block = 3 + 2 * downsamplings
    first_up = first_block + blocks
    last = first_up + 2 * downsamplings + 1
    rules = [(r"^conv_in\.", "model.1.0."), (r"^norm_in\.", "model.1.1."), (r"^conv_out\.", f"model.{last}.")]
    for i in range(downsamplings):
        for ours, position in ((f"down_{i}", 3 + 2 * i), (f"up_{i}", first_up + 2 * i)):
            rules += [(rf"^{ours}\.", f"model.{position}.0.")]
            rules += [(rf"^{ours.replace('_', '_norm_')}\.", f"model.{position}.1.")]
    for i in range(blocks):
        for j, position in ((0, 1), (1, 4)):
            prefix = f"model.{first_block + i}.conv_block.{position}"
            rules += [(rf"^block_{i}_conv_{j}\.", f"{prefix}.0."), (rf"^block_{i}_norm_{j}\.", f"{prefix}.1.")]
    return tuple(rules)

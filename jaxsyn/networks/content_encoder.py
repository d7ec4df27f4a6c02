"""The content encoder of AdaIN auto-encoders: an image's layout without its style."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.conv_block import ConvBlock, ResidualBlock


class ContentEncoder(nn.Module):
    """MUNIT's content encoder (supplement B.1): image [B, H, W, C] -> content code, a map of features.

    Instance norm, not affine, takes the means and deviations away that carry style. The code is
    [B, H / 2**n, W / 2**n, width * 2**n] for n down-samplings.

    Attributes:
        width: channels of the first convolution, doubled by each down-sampling.
        num_blocks: residual blocks at the coarsest size.
        activation, padding: of every convolution.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    width: int = 64
    num_downsamplings: int = 2
    num_blocks: int = 4
    activation: str = "relu"
    padding: str = "reflect"
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """
        Raises:
            UserError: a size that the down-samplings do not divide.
        """
        (height, width), multiple = image.shape[1:3], 2**self.num_downsamplings
        if height % multiple or width % multiple:
            raise UserError(f"images of {height}x{width}: this encoder needs multiples of {multiple}; set data.height")
        options = {
            "norm": "instance",
            "activation": self.activation,
            "padding": self.padding,
            "kernel_init": self.kernel_init,
            "dtype": self.dtype,
        }
        x = ConvBlock(self.width, kernel_size=7, name="conv_in", **options)(image)
        for i in range(self.num_downsamplings):
            x = ConvBlock(2 * x.shape[-1], kernel_size=4, stride=2, name=f"down_{i}", **options)(x)
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        for i in range(self.num_blocks):
            x = block(name=f"block_{i}", **options)(x)
        return x


def content_encoder_names(ours: str, theirs: str, num_downsamplings: int) -> tuple[tuple[str, str], ...]:
    """Renamings of a submodule `ours` to the authors' PyTorch module `theirs`, a sequence."""
    blocks = rf"{theirs}.model.{num_downsamplings + 1}.model.\1.model.\2."
    downs = [(rf"\b{ours}\.down_{i}\.", f"{theirs}.model.{i + 1}.") for i in range(num_downsamplings)]
    return (
        (rf"\b{ours}\.conv_in\.", f"{theirs}.model.0."),
        *downs,
        (rf"\b{ours}\.block_(\d+)\.conv_(\d)\.", blocks),
    )

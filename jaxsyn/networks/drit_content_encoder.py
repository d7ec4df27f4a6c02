"""DRIT's content encoder: images of any domain to one space of content codes."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.conv_block import ConvBlock, ResidualBlock

NUM_BLOCKS, SLOPE = 3, 0.01


class ContentBranch(nn.Module):
    """What a domain has of its own: image [B, H, W, C] -> [B, ceil(H / 2**n), ceil(W / 2**n), width * 2**n]."""

    width: int
    num_downsamplings: int = 2
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        x = Conv(self.width, kernel_size=7, padding_mode="reflect", name="conv_in", **common)(image)
        x = nn.leaky_relu(x, SLOPE)
        for i in range(self.num_downsamplings):
            x = ConvBlock(2 * x.shape[-1], stride=2, norm="instance", name=f"down_{i}", **common)(x)
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        for i in range(NUM_BLOCKS):
            x = block(name=f"block_{i}", **common)(x)
        return x


class DritContentEncoder(nn.Module):
    """Image [B, H, W, C] -> content code [B, ceil(H / 2**n), ceil(W / 2**n), width * 2**n] (DRIT, section 3.1).

    A branch with n down-samplings a domain, then one residual block that they share. (The authors' noise on the code,
    in training alone, is added by the methods.)

    Attributes:
        branches: names; ("every",) where all domains have one (MDMM).
        width: channels of the first convolution.
        num_downsamplings: the paper's 2, or 1 to keep the detail of small pictures.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    branches: tuple[str, ...]
    width: int = 64
    num_downsamplings: int = 2
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        self.branch = {
            name: ContentBranch(self.width, self.num_downsamplings, self.remat, **common) for name in self.branches
        }
        self.shared = ResidualBlock(**common)

    def __call__(self, image: jax.Array, branch: str) -> jax.Array:
        """
        Raises:
            UserError: an image of fewer than 8 pixels, whose reflected borders would not exist.
        """
        if min(image.shape[1:3]) < 8:
            raise UserError(f"images of {image.shape[1]}x{image.shape[2]} are too small: set data.height to 8 or more")
        if self.is_initializing():  # parameters of all branches, whichever is called first
            for other in self.branch.values():
                other(image)
        return self.shared(self.branch[branch](image))


def content_encoder_names(branches: dict[str, str], shared: str, num_downsamplings: int) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module.

    Args:
        branches: ours -> their sequence (`convA`).
        shared: their name of the shared block.
    """
    rules = []
    for ours, theirs in branches.items():
        prefix = rf"^branch_{ours}\."
        rules += [(rf"{prefix}conv_in\.", f"{theirs}.0.model.1.")]
        for i in range(num_downsamplings):
            rules += [(rf"{prefix}down_{i}\.conv\.", f"{theirs}.{i + 1}.model.1.")]
        for i in range(NUM_BLOCKS):
            rules += residual_names(rf"{prefix}block_{i}\.", f"{theirs}.{i + 1 + num_downsamplings}.")
    return (*rules, *residual_names(r"^shared\.", f"{shared}."))


def residual_names(ours: str, theirs: str) -> list[tuple[str, str]]:
    """Renamings of one residual block, given the expression of our prefix and their prefix."""
    return [(rf"{ours}conv_0\.conv\.", f"{theirs}model.1."), (rf"{ours}conv_1\.conv\.", f"{theirs}model.5.")]

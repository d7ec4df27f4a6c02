"""DRIT's generator: a content code and an attribute to an image of a domain."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.conv_block import ResidualBlock
from jaxsyn.networks.drit_content_encoder import residual_names
from jaxsyn.networks.drit_decoders import (
    NUM_BLOCKS,
    NUM_FINE_BLOCKS,
    NUM_TRANSFORMS,
    ConcatDecoder,
    TransformDecoder,
)


class DritGenerator(nn.Module):
    """Content code [B, h, w, C], attribute [B, D] -> images [B, H, W, out_channels] in [-1, 1], a decoder a domain.

    The images come as a tuple: alone, or with two scales the full one and then the half-size one. With concatenation
    one residual block, which all domains share, comes first (DRIT, section 3.1; DRIT++, section 3).

    Attributes:
        branches: names; ("every",) where all domains have one decoder, which is then told the domain (MDMM).
        concat: whether decoders concatenate (for a small change of shapes) or transform features (for a large one).
        two_scale: with `concat`, whether an image of half the size is made too (DRIT_hr).
        num_ups: by how many factors of 2 images are larger than content codes.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    branches: tuple[str, ...]
    concat: bool = True
    two_scale: bool = False
    num_ups: int = 2
    out_channels: int = 3
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        if self.two_scale and not self.concat:
            raise UserError("model.two_scale=True goes with model.concat=True")
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"out_channels": self.out_channels, "num_ups": self.num_ups, "remat": self.remat, **common}
        if self.concat:
            self.shared = ResidualBlock(**common)
            options["two_scale"] = self.two_scale
        kind = ConcatDecoder if self.concat else TransformDecoder
        self.branch = {name: kind(**options) for name in self.branches}

    def __call__(
        self, content: jax.Array, attribute: jax.Array, branch: str, domain: jax.Array | None = None
    ) -> tuple[jax.Array, ...]:
        """domain: one-hot, [B, K]."""
        x = self.shared(content) if self.concat else content
        if self.is_initializing():  # parameters of all branches, whichever is called first
            for other in self.branch.values():
                other(x, attribute, domain)
        return self.branch[branch](x, attribute, domain)


def concat_names(ours: str, theirs: str, two_scale: bool) -> list[tuple[str, str]]:
    """Renamings of a `ConcatDecoder` to the authors' PyTorch modules, `theirs` and a number."""
    prefix, up = rf"^branch_{ours}\.", f"{theirs}3.{NUM_FINE_BLOCKS if two_scale else 0}."
    rules = []
    for i in range(NUM_BLOCKS):
        rules += residual_names(rf"{prefix}block_{i}\.", f"{theirs}1.{i}.")
    for i in range(NUM_FINE_BLOCKS):
        rules += residual_names(rf"{prefix}fine_block_{i}\.", f"{theirs}3.{i}.")
    rules += _up_names(rf"{prefix}up_0\.", f"{theirs}2.0.") + _up_names(rf"{prefix}up_1\.", up)
    rules += [(rf"{prefix}image\.conv\.", f"{theirs}4.0."), (rf"{prefix}half_image\.conv\.", f"{theirs}2_1.0.")]
    return [*rules, *residual_names(r"^shared\.", "dec_share.0.")]


def transform_names(ours: str, theirs: str, ups: str, mlp: str) -> list[tuple[str, str]]:
    """Renamings of a `TransformDecoder` to the authors' PyTorch modules: `theirs` and a number, `ups` and `mlp`."""
    prefix = rf"^branch_{ours}\."
    rules = [(rf"{prefix}mlp_{i}\.", f"{mlp}.{2 * i}.") for i in range(3)]
    for i in range(NUM_TRANSFORMS):
        for j in range(2):
            block = f"{theirs}{i + 1}."
            rules += [(rf"{prefix}block_{i}\.conv_{j}\.", f"{block}conv{j + 1}.0.1.")]
            rules += [(rf"{prefix}block_{i}\.mix_{j}\.", f"{block}blk{j + 1}.0.")]
            rules += [(rf"{prefix}block_{i}\.reduce_{j}\.", f"{block}blk{j + 1}.2.")]
    for i in range(2):
        rules += _up_names(rf"{prefix}up_{i}\.", f"{ups}.{i}.")
    return [*rules, (rf"{prefix}image\.conv\.", f"{ups}.2.")]


def _up_names(ours: str, theirs: str) -> list[tuple[str, str]]:
    return [(rf"{ours}conv\.", f"{theirs}model.0."), (rf"{ours}norm\.", f"{theirs}model.1.")]

"""The style encoder of AdaIN auto-encoders: a few numbers that say how an image looks, not what it shows."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.precision import at_least_float32
from jaxsyn.networks.conv_block import ConvBlock


class StyleEncoder(nn.Module):
    """MUNIT's style encoder (supplement B.1): image [B, H, W, C] -> style code [B, style_dim], float32.

    No norm, which would take the means and deviations away; the code is a linear map of the pooled features.

    Attributes:
        width: channels of the first convolution, doubled by the first two down-samplings.
        activation, padding: of every convolution.
    """

    style_dim: int = 8
    width: int = 64
    num_downsamplings: int = 4
    activation: str = "relu"
    padding: str = "reflect"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"activation": self.activation, "padding": self.padding, **common}
        x = ConvBlock(self.width, kernel_size=7, name="conv_in", **options)(image)
        for i in range(self.num_downsamplings):
            features = self.width * 2 ** min(i + 1, 2)
            x = ConvBlock(features, kernel_size=4, stride=2, name=f"down_{i}", **options)(x)
        x = at_least_float32(x).mean((1, 2), keepdims=True)
        return at_least_float32(Conv(self.style_dim, kernel_size=1, name="code", **common)(x)[:, 0, 0])


def style_encoder_names(ours: str, theirs: str, num_downsamplings: int = 4) -> tuple[tuple[str, str], ...]:
    """Renamings of a submodule `ours` to the authors' PyTorch module `theirs`, a sequence that counts the pooling."""
    downs = [(rf"\b{ours}\.down_{i}\.", f"{theirs}.model.{i + 1}.") for i in range(num_downsamplings)]
    return (
        (rf"\b{ours}\.conv_in\.", f"{theirs}.model.0."),
        *downs,
        (rf"\b{ours}\.code\.", f"{theirs}.model.{num_downsamplings + 2}."),
    )

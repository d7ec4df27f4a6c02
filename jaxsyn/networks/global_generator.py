"""pix2pixHD's global generator: a residual encoder-decoder over a label map (Wang et al., CVPR 2018, section 3.1)."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, ConvTranspose, LabelConv, LabelMap
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.johnson_generator import johnson_names
from jaxsyn.networks.plain_norm import plain_norm


class ResidualBlock(nn.Module):
    """x + (3x3, norm, ReLU, 3x3, norm), with reflected borders: [B, H, W, C] -> the same shape."""

    norm: str = "instance"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def step(y: jax.Array, i: int) -> jax.Array:
            options = {"padding_mode": "reflect", "kernel_init": self.kernel_init, "dtype": self.dtype}
            return plain_norm(
                Conv(x.shape[-1], name=f"conv_{i}", **options)(y), self.norm, dtype=self.dtype, name=f"norm_{i}"
            )

        return x + step(nn.relu(step(x, 0)), 1)


class GlobalFeatures(nn.Module):
    """The global generator up to its last convolution: label map [B, H, W] -> [B, H, W, width].

    H and W are multiples of 2**num_downsamplings. Every convolution has a bias, whatever the norm.

    Attributes:
        width: channels after the first convolution, doubled by each down-sampling.
        num_blocks: residual blocks at the coarsest size.
        norm: `instance` or `batch`.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    width: int = 64
    num_downsamplings: int = 4
    num_blocks: int = 9
    norm: str = "instance"
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> jax.Array:
        """
        Raises:
            UserError: a size that the down-samplings do not divide.
        """
        (height, width), multiple = label.ids.shape[1:3], 2**self.num_downsamplings
        if height % multiple or width % multiple:
            raise UserError(
                f"a map of {height}x{width} cannot be halved {self.num_downsamplings} times: set data.height and "
                f"data.width so that this is a multiple of {multiple}, or fewer num_downsamplings"
            )
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def activated(x: jax.Array, name: str) -> jax.Array:
            return nn.relu(plain_norm(x, self.norm, dtype=self.dtype, name=name))

        x = LabelConv(self.width, kernel_size=7, padding_mode="reflect", name="conv_in", **common)(label)
        x = activated(x, "norm_in")
        for i in range(self.num_downsamplings):
            x = activated(Conv(2 * x.shape[-1], stride=2, name=f"down_{i}", **common)(x), f"down_norm_{i}")
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        for i in range(self.num_blocks):
            x = block(self.norm, name=f"block_{i}", **common)(x)
        for i in range(self.num_downsamplings):
            x = activated(ConvTranspose(x.shape[-1] // 2, name=f"up_{i}", **common)(x), f"up_norm_{i}")
        return x


class GlobalGenerator(nn.Module):
    """The global generator: label map [B, H, W] -> [B, H, W, out_channels] in [-1, 1], float32.

    Over an image instead (a soft map), without blocks and narrow, it is the encoder of instance styles (section 3.4).
    Attributes as of `GlobalFeatures`.
    """

    width: int = 64
    num_downsamplings: int = 4
    num_blocks: int = 9
    norm: str = "instance"
    remat: bool = False
    out_channels: int = 3
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> jax.Array:
        shape = (self.width, self.num_downsamplings, self.num_blocks, self.norm, self.remat)
        x = GlobalFeatures(*shape, self.kernel_init, self.dtype, name="features")(label)
        return last_convolution(x, self.out_channels, kernel_init=self.kernel_init, dtype=self.dtype)


def last_convolution(x: jax.Array, channels: int, **common: Any) -> jax.Array:
    """[B, H, W, C] -> [B, H, W, channels] in [-1, 1], float32.

    Called in a compact method, of which the convolution becomes the submodule `conv_out`.
    """
    x = Conv(channels, kernel_size=7, padding_mode="reflect", name="conv_out", **common)(x)
    return jnp.tanh(x.astype(jnp.float32))


def global_names(num_downsamplings: int, num_blocks: int) -> tuple[tuple[str, str], ...]:
    """Renamings of `GlobalGenerator`, and of `GlobalFeatures` named `features`, to the authors' PyTorch module."""
    return ((r"^features\.", ""), *johnson_names(num_blocks, dropout=False, num_downs=num_downsamplings))

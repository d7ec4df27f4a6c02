"""StarGAN's generator: an image and a vector of labels to the image with these labels."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, ConvTranspose, InstanceNorm
from jaxsyn.layers.initializers import DEFAULT, Initializer


class ResidualBlock(nn.Module):
    """x + (3x3, norm, ReLU, 3x3, norm), with zero borders: [B, H, W, C] -> the same shape."""

    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def step(y: jax.Array, i: int) -> jax.Array:
            conv = Conv(x.shape[-1], use_bias=False, kernel_init=self.kernel_init, dtype=self.dtype, name=f"conv_{i}")
            return _norm(self.dtype, f"norm_{i}")(conv(y))

        return x + step(nn.relu(step(x, 0)), 1)


class StarGanGenerator(nn.Module):
    """The generator of StarGAN (Choi et al., CVPR 2018, section 7.3 and table 4).

    Every pixel sees the labels, which follow its colour as constant channels. Borders are padded with zeros: reflected
    ones would leave these channels constant, and the instance norm would take them out again. Instance norm has a
    scale and a bias, and its statistics are the image's own in training and in use; the running ones of the authors'
    checkpoints are kept and not used.

    Attributes:
        width: channels of the first convolution, doubled by each down-sampling.
        num_downsamplings: the paper's 2, or 1 to keep the detail of small pictures.
        num_blocks: residual blocks at the coarsest size.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    width: int = 64
    num_downsamplings: int = 2
    num_blocks: int = 6
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, label: jax.Array) -> jax.Array:
        """Images [B, H, W, 3] and labels [B, c] -> images [B, H, W, 3] in [-1, 1], float32.

        Raises:
            UserError: a size that the down-samplings do not divide.
        """
        (batch, height, width), multiple = image.shape[:3], 2**self.num_downsamplings
        if height % multiple or width % multiple:
            raise UserError(f"images of {height}x{width}: this generator needs multiples of {multiple}")
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"use_bias": False, **common}

        def activated(x: jax.Array, name: str) -> jax.Array:
            return nn.relu(_norm(self.dtype, name)(x))

        planes = jnp.broadcast_to(label[:, None, None, :], (batch, height, width, label.shape[-1]))
        x = jnp.concatenate([image, planes.astype(image.dtype)], axis=-1)
        x = activated(Conv(self.width, kernel_size=7, name="conv_in", **options)(x), "norm_in")
        for i in range(self.num_downsamplings):
            down = Conv(2 * x.shape[-1], kernel_size=4, stride=2, padding=1, name=f"down_{i}", **options)
            x = activated(down(x), f"down_norm_{i}")
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        for i in range(self.num_blocks):
            x = block(name=f"block_{i}", **common)(x)
        for i in range(self.num_downsamplings):
            up = ConvTranspose(x.shape[-1] // 2, kernel_size=4, output_padding=0, name=f"up_{i}", **options)
            x = activated(up(x), f"up_norm_{i}")
        x = Conv(image.shape[-1], kernel_size=7, name="conv_out", **options)(x)
        return jnp.tanh(x.astype(jnp.float32))


def _norm(dtype: Any, name: str) -> InstanceNorm:
    return InstanceNorm(affine=True, track=True, dtype=dtype, name=name)


def stargan_generator_names(num_downsamplings: int, num_blocks: int) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module: one sequence, which counts activations too."""
    first_block = 3 + 3 * num_downsamplings
    first_up = first_block + num_blocks
    rules = [
        (r"^conv_in\.", "main.0."),
        (r"^norm_in\.", "main.1."),
        (r"^conv_out\.", f"main.{first_up + 3 * num_downsamplings}."),
        *((rf"^block_(\d+)\.{ours}\.", rf"block_\1.main.{i}.") for i, ours in ((0, "conv_0"), (1, "norm_0"))),
        *((rf"^block_(\d+)\.{ours}\.", rf"block_\1.main.{i}.") for i, ours in ((3, "conv_1"), (4, "norm_1"))),
    ]
    rules += [(rf"^block_{i}\.", f"main.{first_block + i}.") for i in range(num_blocks)]
    for i in range(num_downsamplings):
        for ours, position in (("down", 3 + 3 * i), ("up", first_up + 3 * i)):
            rules += [(rf"^{ours}_{i}\.", f"main.{position}."), (rf"^{ours}_norm_{i}\.", f"main.{position + 1}.")]
    return tuple(rules)

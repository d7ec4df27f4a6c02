"""pix2pixHD's local enhancers: the coarse-to-fine generator (Wang et al., CVPR 2018, section 3.2)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.layers import Conv, ConvTranspose, LabelConv, LabelMap
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.global_generator import GlobalFeatures, ResidualBlock, global_names, last_convolution
from jaxsyn.networks.plain_norm import plain_norm


class Enhancer(nn.Module):
    """One local enhancer: a label map [B, H, W] and features of half its size -> features of its own size.

    Attributes:
        width: channels of its features; the coarser ones have twice as many.
        num_blocks: residual blocks, at the size of the coarser features.
        norm: `instance` or `batch`.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
        out_channels: of the image that the finest enhancer ends in; None for one that ends in features.
    """

    width: int = 32
    num_blocks: int = 3
    norm: str = "instance"
    remat: bool = False
    out_channels: int | None = None
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, coarser: jax.Array) -> jax.Array:
        """[B, H, W] and [B, H / 2, W / 2, 2 * width] -> [B, H, W, width], or an image [B, H, W, out_channels]."""
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def activated(x: jax.Array, name: str) -> jax.Array:
            return nn.relu(plain_norm(x, self.norm, dtype=self.dtype, name=name))

        x = LabelConv(self.width, kernel_size=7, padding_mode="reflect", name="conv_in", **common)(label)
        x = activated(x, "norm_in")
        x = activated(Conv(2 * self.width, stride=2, name="down", **common)(x), "down_norm") + coarser
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        for i in range(self.num_blocks):
            x = block(self.norm, name=f"block_{i}", **common)(x)
        x = activated(ConvTranspose(self.width, name="up", **common)(x), "up_norm")
        return x if self.out_channels is None else last_convolution(x, self.out_channels, **common)


class LocalEnhancer(nn.Module):
    """The global generator without its last convolution, and around it enhancers that each double the size.

    Label map [B, H, W] -> image [B, H, W, out_channels] in [-1, 1], float32. Each part sees the label map at its own
    size, by average pooling. H and W are multiples of 2**(num_downsamplings + num_enhancers).

    Attributes:
        width: of the global generator; the n-th enhancer has a 2**n-th of it.
        num_downsamplings, num_blocks: of the global generator.
        num_enhancers, num_local_blocks: of the enhancers.
        norm: `instance` or `batch`.
        fixed: whether only the finest enhancer is trained: the parameters of all else get zero gradients, though
            gradients reach the label map through it.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    width: int = 64
    num_downsamplings: int = 4
    num_blocks: int = 9
    norm: str = "instance"
    num_enhancers: int = 1
    num_local_blocks: int = 3
    fixed: bool = False
    remat: bool = False
    out_channels: int = 3
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> jax.Array:
        pyramid = [label]
        for _ in range(self.num_enhancers):
            pyramid.append(pyramid[-1].average_pool())
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        shape = (self.width, self.num_downsamplings, self.num_blocks, self.norm, self.remat)
        x = self._coarser(GlobalFeatures)(*shape, name="features", **common)(pyramid.pop())
        for n in range(1, self.num_enhancers + 1):
            finest = n == self.num_enhancers
            shape = (self.width // 2**n, self.num_local_blocks, self.norm, self.remat)
            shape += (self.out_channels if finest else None,)
            kind = Enhancer if finest else self._coarser(Enhancer)
            x = kind(*shape, name=f"enhancer_{n}", **common)(pyramid.pop(), x)
        return x

    def _coarser(self, kind: type[nn.Module]) -> type[nn.Module]:
        if not self.fixed:
            return kind
        return nn.map_variables(kind, "params", lax.stop_gradient, init=self.is_initializing())


def local_names(num_downsamplings: int, num_blocks: int, num_local_blocks: int) -> tuple[tuple[str, str], ...]:
    """Renamings of `LocalEnhancer` to the authors' PyTorch module, of two sequences an enhancer."""
    ours = r"^enhancer_(\d+)\."
    rules = [
        (rf"{ours}{name}\.", rf"model\1_1.{place}.")
        for name, place in (("conv_in", 1), ("norm_in", 2), ("down", 4), ("down_norm", 5))
    ]
    rules += [
        (rf"{ours}{name}\.", rf"model\1_2.{num_local_blocks + place}.")
        for name, place in (("up", 0), ("up_norm", 1), ("conv_out", 4))
    ]
    for i, place in ((0, 1), (1, 5)):
        for layer, offset in (("conv", 0), ("norm", 1)):
            rules += [(rf"{ours}block_(\d+)\.{layer}_{i}\.", rf"model\1_2.\2.conv_block.{place + offset}.")]
    return (*global_names(num_downsamplings, num_blocks), *rules)

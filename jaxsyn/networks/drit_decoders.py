"""The two decoders of DRIT, which differ in how the attribute meets the content."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv, ConvTranspose, Dense, InstanceNorm, PlaneConv, SampleNorm
from jaxsyn.layers.initializers import DEFAULT, Initializer, initializer
from jaxsyn.networks.conv_block import ResidualBlock

NUM_TRANSFORMS, NUM_BLOCKS, NUM_FINE_BLOCKS = 4, 3, 2


class UpBlock(nn.Module):
    """Transposed convolution to twice the size, layer norm, ReLU: [B, H, W, I] -> [B, 2H, 2W, features]."""

    features: int
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = ConvTranspose(self.features, kernel_init=self.kernel_init, dtype=self.dtype, name="conv")(x)
        return nn.relu(SampleNorm(dtype=self.dtype, name="norm")(x))


class ToImage(nn.Module):
    """1x1 convolution (transposed, in the authors' code) and tanh: [B, H, W, I] -> [B, H, W, out_channels], float32."""

    out_channels: int
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"kernel_size": 1, "stride": 1, "padding": 0, "output_padding": 0}
        x = ConvTranspose(self.out_channels, **options, kernel_init=self.kernel_init, dtype=self.dtype, name="conv")(x)
        return jnp.tanh(x.astype(jnp.float32))


class ConcatDecoder(nn.Module):
    """The decoder that concatenates: the attribute is appended to the features, as planes, before some layers.

    The layers are the first block, each up-sampling, and the last. Content features [B, h, w, C] -> images
    [B, H, W, out_channels] in [-1, 1], float32; as a tuple, the finest first.
    The planes are constant, so instance norm takes their effect away in the residual blocks; they act by way of the
    skip connections, and after the blocks.

    Attributes:
        num_ups: by how many factors of 2 the image is larger than the content.
        two_scale: whether an image of half the size is made too, and two residual blocks follow it (DRIT_hr).
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    out_channels: int = 3
    num_ups: int = 2
    two_scale: bool = False
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, attribute: jax.Array, domain: jax.Array | None = None) -> tuple[jax.Array, ...]:
        """
        Args:
            attribute: [B, D].
            domain: code [B, K] of the image's domain, appended once, before the attribute.
        """
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        half = ()
        if domain is not None:
            x = append(x, domain)
        x = append(x, attribute)
        for i in range(NUM_BLOCKS):
            x = block(name=f"block_{i}", **common)(x)
        for i in range(self.num_ups):
            fine = self.two_scale and i == self.num_ups - 1
            if fine:
                half = (ToImage(self.out_channels, name="half_image", **common)(x),)
            x = append(x, attribute)
            for j in range(NUM_FINE_BLOCKS if fine else 0):
                x = block(name=f"fine_block_{j}", **common)(x)
            x = UpBlock(x.shape[-1] // 2, name=f"up_{i}", **common)(x)
        x = append(x, attribute)
        return (ToImage(self.out_channels, name="image", **common)(x), *half)


def append(x: jax.Array, vector: jax.Array) -> jax.Array:
    """[B, H, W, C] with a vector [B, D] at every pixel: [B, H, W, C + D]."""
    planes = jnp.broadcast_to(vector[:, None, None], (*x.shape[:3], vector.shape[-1]))
    return jnp.concatenate([x, planes.astype(x.dtype)], axis=-1)


class TransformBlock(nn.Module):
    """Residual block whose features a code transforms after each of its norms: [B, H, W, C] -> the same shape."""

    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, code: jax.Array) -> jax.Array:
        """code: [B, C]."""
        common, channels, y = {"kernel_init": self.kernel_init, "dtype": self.dtype}, x.shape[-1], x
        for i in range(2):
            y = Conv(channels, padding_mode="reflect", name=f"conv_{i}", **common)(y)
            y = InstanceNorm(dtype=self.dtype, name=f"norm_{i}")(y)
            y = nn.relu(PlaneConv(2 * channels, name=f"mix_{i}", **common)(y, code))
            y = nn.relu(Conv(channels, kernel_size=1, name=f"reduce_{i}", **common)(y))
        return x + y


class TransformDecoder(nn.Module):
    """The decoder that transforms features: a network turns the attribute into a code for each of four blocks.

    Content code [B, h, w, C] -> image [B, H, W, out_channels] in [-1, 1], float32; alone in a tuple. A domain's code,
    where there is one, goes into that network before the attribute.

    Attributes:
        num_ups: by how many factors of 2 the image is larger than the content.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    out_channels: int = 3
    num_ups: int = 2
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, attribute: jax.Array, domain: jax.Array | None = None) -> tuple[jax.Array, ...]:
        common, channels = {"kernel_init": self.kernel_init, "dtype": self.dtype}, x.shape[-1]
        linear = {"kernel_init": initializer("lecun_uniform"), "dtype": self.dtype}
        code = attribute if domain is None else jnp.concatenate([domain, attribute], axis=-1)
        for i in range(2):
            code = nn.relu(Dense(channels, name=f"mlp_{i}", **linear)(code))
        codes = jnp.split(Dense(NUM_TRANSFORMS * channels, name="mlp_2", **linear)(code), NUM_TRANSFORMS, axis=-1)
        block = nn.remat(TransformBlock) if self.remat else TransformBlock
        for i, code in enumerate(codes):
            x = block(name=f"block_{i}", **common)(x, code)
        for i in range(self.num_ups):
            x = UpBlock(x.shape[-1] // 2, name=f"up_{i}", **common)(x)
        return (ToImage(self.out_channels, name="image", **common)(x),)

"""StarGAN v2's networks with a head for each domain: mapping network, style encoder and discriminator."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import ClassDense, Conv, Dense
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.restyling_blocks import BLOCK_NAMES, SLOPE, PreactivatedBlock

NUM_SHARED, NUM_UNSHARED = 4, 4
LAST_SIZE = 4


def choose_domain(heads: jax.Array, domain: jax.Array) -> jax.Array:
    """Of what the heads of all domains give [B, N, ...], that of each image's own domain [B]: [B, ...]."""
    return jax.vmap(lambda head, index: head[index])(heads, domain)


class MappingNetwork(nn.Module):
    """Latent [B, Z] -> style code of every domain [B, num_domains, style_dim], float32 (table 7 of the paper).

    Attributes:
        width: of the hidden layers, four that the domains share and three of each.
    """

    num_domains: int
    style_dim: int = 64
    width: int = 512
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, latent: jax.Array) -> jax.Array:
        common, x = {"kernel_init": self.kernel_init, "dtype": self.dtype}, latent
        for i in range(NUM_SHARED):
            x = nn.relu(Dense(self.width, name=f"shared_{i}", **common)(x))
        x = jnp.repeat(x[:, None], self.num_domains, axis=1)
        for i in range(NUM_UNSHARED - 1):
            x = nn.relu(ClassDense(self.width, name=f"unshared_{i}", **common)(x))
        x = ClassDense(self.style_dim, name=f"unshared_{NUM_UNSHARED - 1}", **common)(x)
        return x.astype(jnp.float32)


class ImageFeatures(nn.Module):
    """What style encoder and discriminator have in common: image [B, H, W, 3] -> features [B, max_width or less].

    Attributes:
        size: height and width of the images, a power of 2, at least 8.
        width: channels of the first convolution, doubled by every block up to `max_width`.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    size: int
    width: int = 64
    max_width: int = 512
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """
        Raises:
            UserError: an image of another size.
        """
        if image.shape[1:3] != (self.size, self.size):
            shown = "x".join(map(str, image.shape[1:3]))
            raise UserError(f"images of {shown}: style encoder and discriminator take {self.size}x{self.size}")
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        block = nn.remat(PreactivatedBlock) if self.remat else PreactivatedBlock
        x = Conv(self.width, name="conv_in", **common)(image)
        for i in range(num_blocks(self.size)):
            features = min(2 * x.shape[-1], self.max_width)
            x = block(features, downsample=True, name=f"block_{i}", **common)(x)
        x = Conv(x.shape[-1], LAST_SIZE, padding=0, name="conv_out", **common)(nn.leaky_relu(x, SLOPE))
        return nn.leaky_relu(x[:, 0, 0], SLOPE)


class DomainStyleEncoder(nn.Module):
    """Image [B, H, W, 3] -> its style code in every domain [B, num_domains, style_dim], float32 (table 8)."""

    num_domains: int
    features: ImageFeatures
    style_dim: int = 64

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        x, options = self.features(image), {"kernel_init": self.features.kernel_init, "dtype": self.features.dtype}
        x = jnp.repeat(x[:, None], self.num_domains, axis=1)
        return ClassDense(self.style_dim, name="unshared", **options)(x).astype(jnp.float32)


class DomainDiscriminator(nn.Module):
    """Image [B, H, W, 3] -> logit in every domain [B, num_domains], float32: is it a real one of that domain?"""

    num_domains: int
    features: ImageFeatures

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        x, options = self.features(image), {"kernel_init": self.features.kernel_init, "dtype": self.features.dtype}
        x = Conv(self.num_domains, kernel_size=1, name="logits", **options)(x[:, None, None])
        return x[:, 0, 0].astype(jnp.float32)


def num_blocks(size: int) -> int:
    """Blocks that halve images of a size, a power of 2, down to 4 pixels."""
    return size.bit_length() - LAST_SIZE.bit_length()


MAPPING_NAMES = tuple(
    rule
    for i in range(NUM_SHARED)
    for rule in ((rf"^shared_{i}\.", f"shared.{2 * i}."), (rf"^unshared_{i}\.(\d+)\.", rf"unshared.\1.{2 * i}."))
)


def image_names(size: int, theirs: str) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' style encoder (`theirs` is "shared") and discriminator ("main"): one sequence."""
    count = num_blocks(size)
    blocks = [(rf"^features\.block_{i}\.", f"{theirs}.{i + 1}.") for i in range(count)]
    return (
        *BLOCK_NAMES,
        (r"^features\.conv_in\.", f"{theirs}.0."),
        *blocks,
        (r"^features\.conv_out\.", f"{theirs}.{count + 2}."),
        (r"^logits\.", f"{theirs}.{count + 4}."),
    )

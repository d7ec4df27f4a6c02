"""DRIT's attribute encoders: an image to the few numbers that say how its domain shows the content."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv, Dense, average_pool
from jaxsyn.layers.initializers import DEFAULT, Initializer, initializer
from jaxsyn.networks.style_encoder import StyleEncoder

SLOPE, NUM_BLOCKS = 0.2, 3


class ShrinkingBlock(nn.Module):
    """Residual block without norm to half the size: [B, H, W, I] -> [B, H / 2, W / 2, features]."""

    features: int
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"padding_mode": "reflect", "kernel_init": self.kernel_init, "dtype": self.dtype}
        y = Conv(x.shape[-1], name="conv_0", **options)(nn.leaky_relu(x, SLOPE))
        y = Conv(self.features, name="conv_1", **options)(nn.leaky_relu(y, SLOPE))
        x, y = (average_pool(z, window=2, stride=2, padding=0) for z in (x, y))
        return y + Conv(self.features, kernel_size=1, name="shortcut", **options)(x)


class PosteriorEncoder(nn.Module):
    """Image [B, H, W, C] -> mean and log variance [B, attribute_dim] of its attribute, float32.

    Attributes:
        width: channels of the first convolution.
    """

    attribute_dim: int = 8
    width: int = 64
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> tuple[jax.Array, jax.Array]:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        x = Conv(self.width, 4, 2, padding=1, padding_mode="reflect", name="conv_in", **common)(image)
        for i in range(NUM_BLOCKS):
            x = ShrinkingBlock((i + 2) * self.width, name=f"block_{i}", **common)(x)
        x = nn.leaky_relu(x, SLOPE).astype(jnp.float32).mean((1, 2))
        linear = initializer("lecun_uniform")
        mean, log_variance = (
            Dense(self.attribute_dim, kernel_init=linear, name=name)(x) for name in ("mean", "log_variance")
        )
        return mean, log_variance


class DritAttributeEncoder(nn.Module):
    """Image [B, H, W, C] -> its attribute: a branch a domain (DRIT, section 3.1).

    Attributes:
        branches: names; ("every",) where all domains have one, which is then told the domain (MDMM).
        concat: for the generator that concatenates: mean and log variance of a Gaussian, by `PosteriorEncoder`. Else
            for the one that transforms features: one code, by MUNIT's style encoder.
        width: channels of the first convolution.
    """

    branches: tuple[str, ...]
    concat: bool = True
    attribute_dim: int = 8
    width: int = 64
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        kind = PosteriorEncoder if self.concat else StyleEncoder
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        self.branch = {name: kind(self.attribute_dim, self.width, **common) for name in self.branches}

    def __call__(
        self, image: jax.Array, branch: str, domain: jax.Array | None = None
    ) -> jax.Array | tuple[jax.Array, jax.Array]:
        """domain: one-hot, [B, D]; appended to the image as planes."""
        if domain is not None:
            planes = jnp.broadcast_to(domain[:, None, None], (*image.shape[:3], domain.shape[-1]))
            image = jnp.concatenate([image, planes.astype(image.dtype)], axis=-1)
        if self.is_initializing():  # parameters of all branches, whichever is called first
            for other in self.branch.values():
                other(image)
        return self.branch[branch](image)


def posterior_names(ours: str, conv: str, mean: str, log_variance: str) -> list[tuple[str, str]]:
    """Renamings of a `PosteriorEncoder` to the authors' PyTorch modules, of which there are three a branch."""
    prefix = rf"^branch_{ours}\."
    rules = [(rf"{prefix}conv_in\.", f"{conv}.1."), (rf"{prefix}mean\.", f"{mean}.0.")]
    rules += [(rf"{prefix}log_variance\.", f"{log_variance}.0.")]
    for i in range(NUM_BLOCKS):
        for layer, theirs in {"conv_0": "conv.2", "conv_1": "conv.4.1", "shortcut": "shortcut.1"}.items():
            rules += [(rf"{prefix}block_{i}\.{layer}\.", f"{conv}.{i + 2}.{theirs}.")]
    return rules


def code_names(ours: str, model: str) -> list[tuple[str, str]]:
    """Renamings of a `StyleEncoder` to the authors' PyTorch module, a sequence that counts paddings and activations."""
    prefix = rf"^branch_{ours}\."
    downs = [(rf"{prefix}down_{i}\.conv\.", f"{model}.{3 * i + 4}.") for i in range(4)]
    return [(rf"{prefix}conv_in\.conv\.", f"{model}.1."), *downs, (rf"{prefix}code\.", f"{model}.16.")]

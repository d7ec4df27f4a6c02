"""BicycleGAN's encoders: an image to the posterior of its latent code."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, Dense, average_pool
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.plain_norm import plain_norm

LAST_SIZE, LARGEST_MULTIPLE = 8, 4


class ShrinkingBlock(nn.Module):
    """Pre-activation residual block to half the size: [B, H, W, I] -> [B, H / 2, W / 2, features]."""

    features: int
    norm: str = "instance"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        y = nn.leaky_relu(plain_norm(x, self.norm, dtype=self.dtype, name="norm_0"), 0.2)
        # Without a norm the authors' leaky ReLU changes in place what the shortcut reads as well.
        x = y if self.norm == "none" else x
        y = Conv(x.shape[-1], name="conv_0", **options)(y)
        y = nn.leaky_relu(plain_norm(y, self.norm, dtype=self.dtype, name="norm_1"), 0.2)
        y = Conv(self.features, name="conv_1", **options)(y)
        shortcut = Conv(self.features, kernel_size=1, name="shortcut", **options)(_halve(x))
        return _halve(y) + shortcut


class ResnetEncoder(nn.Module):
    """The residual encoder of BicycleGAN (section 4): `resnet_128` with 4 levels, `resnet_256` with 5.

    Image [B, H, W, C] -> mean and log variance [B, latent_size], float32. The height and width left after the levels
    are 8 (to 15), for one 8x8 average pooling ends them.

    Attributes:
        num_levels: halvings: a convolution, then residual blocks.
        width: channels of the first, multiplied by 2, 3 and 4 in the ones after it.
        norm: `instance`, `batch` or `none`.
    """

    latent_size: int = 8
    num_levels: int = 5
    width: int = 64
    norm: str = "instance"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> tuple[jax.Array, jax.Array]:
        """
        Raises:
            UserError: an image of another size than the levels are for.
        """
        check_size(self.num_levels, *image.shape[1:3])
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        x = Conv(self.width, kernel_size=4, stride=2, padding=1, name="conv_in", **common)(image)
        for level in range(1, self.num_levels):
            features = self.width * min(level + 1, LARGEST_MULTIPLE)
            x = ShrinkingBlock(features, self.norm, name=f"block_{level}", **common)(x)
        return Posterior(self.latent_size, name="posterior", **common)(nn.leaky_relu(x, 0.2))


class ConvEncoder(nn.Module):
    """The plain encoder of the authors' code: `conv_128` with 4 levels, `conv_256` with 5. Otherwise `ResnetEncoder`.

    Attributes:
        num_levels: convolutions with stride 2.
        width: channels of the first, doubled in the second and again in the third.
        norm: `instance`, `batch` or `none`, after each but the first.
    """

    latent_size: int = 8
    num_levels: int = 5
    width: int = 64
    norm: str = "instance"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> tuple[jax.Array, jax.Array]:
        """
        Raises:
            UserError: an image of another size than the levels are for.
        """
        check_size(self.num_levels, *image.shape[1:3])
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        x = image
        for level in range(self.num_levels):
            features = self.width * min(2**level, LARGEST_MULTIPLE)
            x = Conv(features, kernel_size=4, stride=2, padding=1, name=f"conv_{level}", **common)(x)
            x = plain_norm(x, self.norm if level else "none", dtype=self.dtype, name=f"norm_{level}")
            x = nn.leaky_relu(x, 0.2)
        return Posterior(self.latent_size, name="posterior", **common)(x)


class Posterior(nn.Module):
    """Features [B, 8, 8, C] -> mean and log variance [B, latent_size] of a Gaussian, float32."""

    latent_size: int
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = average_pool(x, LAST_SIZE, LAST_SIZE, 0)[:, 0, 0]
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        mean, log_variance = (Dense(self.latent_size, name=name, **common)(x) for name in ("mean", "log_variance"))
        return mean.astype(jnp.float32), log_variance.astype(jnp.float32)


def check_size(num_levels: int, height: int, width: int) -> None:
    """Raises UserError for images that the levels do not bring to 8 pixels (15 at most)."""
    scale = 2**num_levels
    if any(size // scale // LAST_SIZE != 1 for size in (height, width)):
        fitting = LAST_SIZE * scale
        raise UserError(
            f"images of {height}x{width}: an encoder with num_levels={num_levels} needs {fitting}x{fitting}; one "
            "level more doubles that, one less halves it"
        )


def encoder_names(architecture: str, num_levels: int, norm: str) -> tuple[tuple[str, str], ...]:
    """Renamings of `ResnetEncoder` ("resnet") or `ConvEncoder` ("conv") to the authors' PyTorch modules."""
    normed = norm != "none"
    rules = [(r"^posterior\.mean\.", "fc.0."), (r"^posterior\.log_variance\.", "fcVar.0.")]
    if architecture == "conv":
        # Their sequence counts the activations too.
        places = {level: (2 + normed) * level - normed for level in range(1, num_levels)}
        for level, place in {0: 0, **places}.items():
            rules += [(rf"^conv_{level}\.", f"conv.{place}."), (rf"^norm_{level}\.", f"conv.{place + 1}.")]
        return tuple(rules)
    first, second = (2, 5) if normed else (1, 3)
    layers = {"norm_0": "conv.0", "conv_0": f"conv.{first}", "norm_1": f"conv.{first + 1}"}
    layers |= {"conv_1": f"conv.{second}.0", "shortcut": "shortcut.1"}
    rules += [(rf"^block_(\d+)\.{ours}\.", rf"conv.\1.{theirs}.") for ours, theirs in layers.items()]
    return (*rules, (r"^conv_in\.", "conv.0."))


def _halve(x: jax.Array) -> jax.Array:
    return average_pool(x, 2, 2, 0)

"""The multi-scale discriminator of MUNIT and UNIT, which judges images without any condition."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, average_pool
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.conv_block import ConvBlock


class ScaleDiscriminator(nn.Module):
    """Image [B, H, W, C] -> the outputs of its blocks, the last being logits [B, H / 2**n, W / 2**n, 1].

    Attributes as of `MultiscaleImageDiscriminator`.
    """

    width: int = 64
    num_layers: int = 4
    norm: str = "none"
    activation: str = "leaky_relu"
    padding: str = "reflect"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> list[jax.Array]:
        common, layers = {"kernel_init": self.kernel_init, "dtype": self.dtype}, [image]
        options = {"kernel_size": 4, "stride": 2, "activation": self.activation, "padding": self.padding, **common}
        for i in range(self.num_layers):
            if min(layers[-1].shape[1:3]) < 2:
                raise UserError(
                    f"a discriminator of {self.num_layers} layers cannot halve an image of "
                    f"{image.shape[1]}x{image.shape[2]} so often: set larger data.height and data.width, or fewer "
                    "model.discriminator.num_layers or num_scales"
                )
            norm = self.norm if i else "none"
            layers.append(ConvBlock(self.width * 2**i, norm=norm, name=f"conv_{i}", **options)(layers[-1]))
        return [*layers[1:], Conv(1, kernel_size=1, name="logits", **common)(layers[-1])]


class MultiscaleImageDiscriminator(nn.Module):
    """MUNIT's discriminator (supplement B.1): networks with weights of their own on ever coarser images.

    The k-th sees the image [B, H, W, C] after k average poolings, 3x3 with stride 2, padding left out of the count.
    Returns for each scale, the finest first, what `ScaleDiscriminator` does.

    Attributes:
        width: channels after the first convolution, doubled by each further one.
        num_layers: 4x4 convolutions of stride 2 before the one that predicts.
        norm: a kind of `ConvBlock` for all of them but the first.
    """

    num_scales: int = 3
    width: int = 64
    num_layers: int = 4
    norm: str = "none"
    activation: str = "leaky_relu"
    padding: str = "reflect"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> list[list[jax.Array]]:
        """
        Raises:
            UserError: an image that is too small for so many scales and layers.
        """
        shape = (self.width, self.num_layers, self.norm, self.activation, self.padding, self.kernel_init, self.dtype)
        scales = []
        for scale in range(self.num_scales):
            image = average_pool(image) if scale else image
            scales.append(ScaleDiscriminator(*shape, name=f"scale_{scale}")(image))
        return scales


def image_discriminator_names(num_layers: int, norm: str) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module; spectral norm wraps the convolutions there, all but the first."""
    rules = (
        (r"\bscale_(\d+)\.conv_(\d+)\.", r"cnns.\1.\2."),
        (r"\bscale_(\d+)\.logits\.", rf"cnns.\1.{num_layers}."),
    )
    if norm != "spectral":
        return rules
    return (*rules, (r"(cnns\.\d+\.[1-9]\d*\.conv)\.", r"\1.module."), (r"\.weight_orig$", ".weight_bar"))

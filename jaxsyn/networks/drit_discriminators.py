"""DRIT's discriminators, of images of one domain and of content codes."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, StoredSpectralConv, average_pool
from jaxsyn.layers.initializers import DEFAULT, Initializer

SLOPE = 0.01


class DiscriminatorStack(nn.Module):
    """Convolutions of stride 2 with leaky ReLU and no norm: [B, H, W, C] -> the output of each.

    The authors ask for instance norm in some discriminators, and by an option in all; their code applies it in none.

    Attributes:
        widths: channels of each convolution.
        spectral: whether kernels are divided by their spectral norm.
    """

    widths: tuple[int, ...]
    kernel_size: int
    spectral: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> list[jax.Array]:
        """
        Raises:
            UserError: a map that becomes too small for the next convolution.
        """
        layers, shape = [x], "x".join(map(str, x.shape[1:3]))
        for i, width in enumerate(self.widths):
            smallest = max(2, self.kernel_size - 2)
            if min(layers[-1].shape[1:3]) < smallest:
                raise UserError(
                    f"a discriminator cannot halve maps of {shape} {len(self.widths)} times with kernels of "
                    f"{self.kernel_size}: set larger data.height and data.width, or fewer and smaller layers"
                )
            options = {"kernel_init": self.kernel_init, "dtype": self.dtype, "name": f"conv_{i}"}
            conv = spectral_conv(width, self.kernel_size, 2, 1, spectral=self.spectral, **options)
            layers.append(nn.leaky_relu(conv(layers[-1]), SLOPE))
        return layers[1:]


def spectral_conv(
    features: int, kernel_size: int, stride: int, padding: int, *, spectral: bool, **options: Any
) -> nn.Module:
    """A convolution with reflected borders, its kernel divided by its norm or not."""
    kind = StoredSpectralConv if spectral else Conv
    return kind(features, kernel_size, stride, padding, "reflect", **options)


class DritDiscriminator(nn.Module):
    """Image [B, H, W, C] -> of each scale the outputs of its layers, the last being logits [B, h, w, 1].

    With several scales each has weights of its own and sees the image after one more average pooling, 3x3 with stride
    2, padding left out of the count. One scale is another network: six 3x3 convolutions, not four 4x4 ones.

    Attributes:
        width: channels of the first convolution, doubled by each further one.
        spectral: whether kernels are divided by their spectral norm.
    """

    num_scales: int = 3
    width: int = 64
    spectral: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, *images: jax.Array) -> list[list[jax.Array]]:
        """images: of the finest scales, as far as they are given; the others are pooled from the last."""
        options = {"spectral": self.spectral, "kernel_init": self.kernel_init, "dtype": self.dtype}
        kernel_size, num_layers = (4, 4) if self.num_scales > 1 else (3, 6)
        widths = tuple(self.width * 2**i for i in range(num_layers))
        scales, image = [], images[0]
        for scale in range(self.num_scales):
            if scale:
                image = images[scale] if scale < len(images) else average_pool(image)
            layers = DiscriminatorStack(widths, kernel_size, name=f"scale_{scale}", **options)(image)
            logits = spectral_conv(1, 1, 1, 0, name=f"logits_{scale}", **options)(layers[-1])
            scales.append([*layers, logits])
        return scales


class ContentDiscriminator(nn.Module):
    """Content code [B, h, w, C] -> the outputs of its layers, the last being logits [B, h', w', out_features].

    Its convolutions have as many channels as the code. The authors' three of 7x7 need codes of 53 pixels a side or
    more, images of 209; smaller images need fewer or smaller ones.

    Attributes:
        out_features: 1, or one logit for each of several domains.
        num_layers, kernel_size: of the convolutions with stride 2 that precede a 4x4 one and the 1x1 one that predicts.
    """

    out_features: int = 1
    num_layers: int = 3
    kernel_size: int = 7
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, content: jax.Array) -> list[jax.Array]:
        """
        Raises:
            UserError: a code that is too small.
        """
        common, width = {"kernel_init": self.kernel_init, "dtype": self.dtype}, content.shape[-1]
        layers = DiscriminatorStack((width,) * self.num_layers, self.kernel_size, name="stack", **common)(content)
        if min(layers[-1].shape[1:3]) < 4:
            raise UserError(
                f"content codes of {content.shape[1]}x{content.shape[2]} are too small for the content discriminator: "
                "set larger data.height and data.width, or fewer model.content_discriminator.num_layers"
            )
        last = Conv(width, kernel_size=4, padding=0, name="conv_last", **common)(layers[-1])
        layers.append(nn.leaky_relu(last, SLOPE))
        return [*layers, Conv(self.out_features, kernel_size=1, name="logits", **common)(layers[-1])]


def discriminator_names(num_scales: int) -> tuple[tuple[str, str], ...]:
    """Renamings of `DritDiscriminator` to the authors' PyTorch modules."""
    if num_scales == 1:
        return (r"^scale_0\.conv_(\d+)\.", r"model.\1.model.1."), (r"^logits_0\.", "model.6.")
    return (r"^scale_(\d+)\.conv_(\d+)\.", r"Diss.\1.\2.model.1."), (r"^logits_(\d+)\.", r"Diss.\1.4.")


def content_discriminator_names(num_layers: int) -> tuple[tuple[str, str], ...]:
    """Renamings of `ContentDiscriminator` to the authors' PyTorch module, a sequence."""
    return (
        (r"^stack\.conv_(\d+)\.", r"model.\1.model.1."),
        (r"^conv_last\.", f"model.{num_layers}.model.1."),
        (r"^logits\.", f"model.{num_layers + 1}."),
    )

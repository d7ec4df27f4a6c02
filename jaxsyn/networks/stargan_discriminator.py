"""StarGAN's discriminator: which patches are real, and which labels the image has."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv
from jaxsyn.layers.initializers import DEFAULT, Initializer

SLOPE = 0.01


class Judged(NamedTuple):
    """What the discriminator says of images.

    Attributes:
        patches: [B, h, w, 1], one unbounded number a patch.
        labels: [B, c], logits of the labels.
    """

    patches: jax.Array
    labels: jax.Array


class StarGanDiscriminator(nn.Module):
    """The discriminator of StarGAN (Choi et al., CVPR 2018, table 5), without any norm.

    Attributes:
        num_labels: c, the labels that it classifies.
        width: channels after the first convolution; doubled by each further one, without limit.
        num_layers: 4x4 convolutions of stride 2; what they leave of an image is seen whole by the classifier, whose
            kernel so depends on the size of the images.
    """

    num_labels: int
    width: int = 64
    num_layers: int = 6
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> Judged:
        """Images [B, H, W, 3], float32 results.

        Raises:
            UserError: images that are not square, or too small for so many layers.
        """
        height, width = image.shape[1:3]
        if height != width or height < 2**self.num_layers:
            raise UserError(
                f"images of {height}x{width}: this discriminator of model.discriminator.num_layers={self.num_layers} "
                f"needs square ones of at least {2**self.num_layers} pixels"
            )
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        x = image
        for i in range(self.num_layers):
            conv = Conv(self.width * 2**i, kernel_size=4, stride=2, padding=1, name=f"conv_{i}", **common)
            x = nn.leaky_relu(conv(x), SLOPE)
        patches = Conv(1, use_bias=False, name="patches", **common)(x)
        whole = {"kernel_size": x.shape[1], "padding": 0, "use_bias": False}
        labels = Conv(self.num_labels, name="labels", **whole, **common)(x)
        return Judged(patches.astype(jnp.float32), labels[:, 0, 0].astype(jnp.float32))


def stargan_discriminator_names(num_layers: int) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module, whose sequence counts activations too."""
    layers = ((rf"^conv_{i}\.", f"main.{2 * i}.") for i in range(num_layers))
    return (*layers, (r"^patches\.", "conv1."), (r"^labels\.", "conv2."))

"""The discriminator of DRIT for several domains: is an image real, and of which domain is it?"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.drit_discriminators import DiscriminatorStack

NUM_LAYERS = 6


class DomainJudgement(NamedTuple):
    """What a discriminator says of images.

    Attributes:
        patches: logits [B, h, w, 1] of the patches being real.
        domains: logits [B, num_domains].
    """

    patches: jax.Array
    domains: jax.Array


class DritDomainDiscriminator(nn.Module):
    """Image [B, H, W, C] -> whether its patches are real, and its domain (MDMM, the authors' code).

    The border of the map of patches is 0 whatever the image: the authors pad the 1x1 convolution that predicts it,
    which has no bias.

    Attributes:
        size: pixels a side of the images it is made for: the domain's convolution has int(size / 64) a side.
        width: channels of the first convolution, doubled by each further one but the last.
        spectral: whether the kernels of the layers before the two heads are divided by their spectral norm.
    """

    num_domains: int
    size: int
    width: int = 64
    spectral: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> DomainJudgement:
        """
        Raises:
            UserError: an image that is smaller than what it is made for.
        """
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        widths = tuple(self.width * 2 ** min(i, NUM_LAYERS - 2) for i in range(NUM_LAYERS))
        x = DiscriminatorStack(widths, kernel_size=3, spectral=self.spectral, name="stack", **common)(image)[-1]
        window = self.size // 2**NUM_LAYERS
        if not 1 <= window <= min(x.shape[1:3]):
            raise UserError(
                f"images of {image.shape[1]}x{image.shape[2]} with a discriminator for {self.size}: it needs 64 pixels "
                "a side or more, and images no smaller than the data.height it was made for"
            )
        options = {"use_bias": False, **common}
        patches = Conv(1, kernel_size=1, padding=1, name="patches", **options)(x)
        domains = Conv(self.num_domains, kernel_size=window, padding=0, name="domains", **options)(x)
        return DomainJudgement(patches, domains.astype(jnp.float32).mean((1, 2)))


DOMAIN_DISCRIMINATOR_NAMES = (
    (r"^stack\.conv_(\d+)\.", r"model.\1.model.1."),
    (r"^patches\.", "conv1."),
    (r"^domains\.", "conv2."),
)

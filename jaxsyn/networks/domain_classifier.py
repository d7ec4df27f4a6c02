"""A small classifier of whole pictures: the judge of the domains of `scenes`."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.networks.segmenter import ConvNormReLU


class DomainClassifierNet(nn.Module):
    """Convolutions with batch norm and ReLU, each followed by a 2x2 mean pool, and a linear layer of the global mean.

    Attributes:
        widths: channels of each convolution; heights and widths are any multiples of 2 ** len(widths).
    """

    num_domains: int
    widths: tuple[int, ...] = (16, 32, 48)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Image [B, H, W, 3] in [-1, 1] -> logits [B, num_domains], float32."""
        x = image
        for level, width in enumerate(self.widths):
            x = ConvNormReLU(width, dtype=self.dtype, name=f"conv_{level}")(x)
            x = nn.avg_pool(x, (2, 2), (2, 2))
        return nn.Dense(self.num_domains, name="logits")(x.astype(jnp.float32).mean((1, 2)))

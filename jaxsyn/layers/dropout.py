"""Dropout as the noise of a generator."""

import jax
import jax.numpy as jnp
from flax import linen as nn


class Dropout(nn.Module):
    """Dropout (Srivastava et al., JMLR 2014): zeroes elements of [B, H, W, C] and divides the others by 1 - rate.

    It drops where the call has randomness for it, whatever the mode, for pix2pix draws at test time too:
    `module.apply(variables, x, rngs={"dropout": key})` drops, `module.apply(variables, x)` does not. A variable `mask`
    of collection "dropout", 0 or 1 in the shape of x, takes the place of the draw.
    """

    rate: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if self.has_variable("dropout", "mask"):
            mask = self.get_variable("dropout", "mask")
        elif self.has_rng("dropout"):
            mask = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.rate, x.shape)
        else:
            return x
        return jnp.where(mask, x / (1 - self.rate), 0).astype(x.dtype)

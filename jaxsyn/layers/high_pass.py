"""The high-pass filter by which StarGAN v2 hands details of a face past its bottleneck."""

import jax
import jax.numpy as jnp
from flax import linen as nn


class HighPass(nn.Module):
    """Each channel less its neighbourhood: [B, H, W, C] -> the same shape (Choi et al., CVPR 2020, appendix A).

    The filter [3, 3] is 8 in the centre and -1 around it, divided by `weight`; zeros pad the borders. It is a variable
    of collection "constants", for the authors' checkpoints hold it.

    Attributes:
        weight: what the filter is divided by, more than 0.
    """

    weight: float = 1.0

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        taps = self.variable("constants", "filter", self._filter).value.astype(x.dtype)
        height, width = x.shape[1:3]
        padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        # Nine shifted maps fuse into one pass, which a depthwise convolution does not on a CPU.
        return sum(taps[i, j] * padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3))

    def _filter(self) -> jax.Array:
        return -jnp.ones((3, 3)).at[1, 1].set(-8.0) / self.weight

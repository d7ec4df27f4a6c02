"""Spectral normalisation that stores the normalised kernel, as PyTorch 0.5 and the code derived from it do."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from jaxsyn.layers.convolution import Conv
from jaxsyn.layers.spectral_norm import divide_by_norm, unit_vector


class StoredSpectralConv(Conv):
    """`Conv` with a kernel divided by its spectral norm, which evaluation reads as the last training pass left it.

    Where collection "spectral" is mutable one power iteration runs first, from the vector u [features] alone, and the
    normalised kernel is stored beside u. Elsewhere the stored kernel serves.
    """

    @nn.compact
    def weights(self, in_channels: int) -> tuple[jax.Array, jax.Array | None]:
        """The kernel [k, k, in_channels, features] in `dtype`, and the bias [features] for `add_bias`."""
        shape = (self.kernel_size, self.kernel_size, in_channels // self.groups, self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else None
        u = self.variable("spectral", "u", unit_vector, self, self.features)
        stored = self.variable("spectral", "kernel", jnp.array, kernel)
        if self.is_mutable_collection("spectral") and not self.is_initializing():
            used, u.value = divide_by_norm(kernel, u.value)
            stored.value = lax.stop_gradient(used)
        else:
            used = stored.value
        return used.astype(self.dtype), bias

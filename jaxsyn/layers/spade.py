"""Spatially-adaptive normalisation."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import Conv, add_bias
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.label_conv import LabelConv
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.label_modulation import convolve_labels_twice
from jaxsyn.layers.normalization import normalization


class SPADE(nn.Module):
    """Spatially-adaptive denormalisation (Park et al., CVPR 2019, section 3.1, equations 1 to 3).

    normalise(x) * (1 + gamma) + beta, where two convolutions compute gamma and beta at every pixel from the label map.
    [B, H, W, C] and a label map of any size, resized by nearest neighbour -> [B, H, W, C].

    Attributes:
        norm: the parameter-free normalisation: `batch`, `syncbatch` (the same under jit) or `instance`.
        kernel_size: window of all three convolutions.
        hidden: channels between the label map and gamma, beta; 128 in the paper.
    """

    norm: str = "batch"
    kernel_size: int = 3
    hidden: int = 128
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, label: LabelMap) -> jax.Array:
        height, width, channels = x.shape[1:]
        options = {"kernel_size": self.kernel_size, "kernel_init": self.kernel_init, "dtype": self.dtype}
        first = LabelConv(self.hidden, name="mlp_shared", **options).weights(label.channels)
        kernel, bias = modulation_weights(("mlp_gamma", "mlp_beta"), self.hidden, channels, **options)
        modulation = convolve_labels_twice(label.resize(height, width), *first, kernel)
        gamma, beta = jnp.split(add_bias(modulation, bias), 2, axis=-1)
        normalized = normalization(self.norm, dtype=self.dtype, name="param_free_norm")(x)
        return normalized * (1 + gamma) + beta


def modulation_weights(
    names: tuple[str, str], in_channels: int, channels: int, **options: Any
) -> tuple[jax.Array, jax.Array]:
    """The convolutions that make gamma and beta of one map, as one convolution: the map is read once.

    Called in a layer's compact method, of which the two become submodules by `names`.

    Args:
        options: of `Conv`, for both.

    Returns:
        Kernel [k, k, in_channels, 2 * channels] and bias [2 * channels]: gamma's channels, then beta's.
    """
    kernels, biases = zip(*(Conv(channels, name=name, **options).weights(in_channels) for name in names), strict=True)
    return jnp.concatenate(kernels, axis=-1), jnp.concatenate(biases)

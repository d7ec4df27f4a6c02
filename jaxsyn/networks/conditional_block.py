"""The residual block of CC-FPSE's generator: convolutions by kernels predicted from the layout."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.layers import (
    SPADE,
    BatchNorm,
    Conv,
    LabelConv,
    LabelMap,
    add_bias,
    conditional_convolve,
    convolve,
    label_convolve,
    taps_first,
)
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.normed_conv import scale_init
from jaxsyn.networks.spade_decoder import Layout

TAPS = 9


class ConditionalBlock(nn.Module):
    """Residual block of two depthwise separable convolutions (CC-FPSE, section 3.1).

    [B, H, W, C] -> [B, H, W, features]. Each of the two is batch norm, a depthwise convolution by predicted kernels,
    a 1x1 convolution, a predicted gate over its channels, and leaky ReLU. The paper's gate comes from the layout, as
    here, at every pixel. The shortcut, where the width changes, is SPADE and a 1x1 convolution.

    What is in memory at once: the predictors' hidden maps [B, H, W, 4 * hidden], of one convolution for all four, and
    the two maps of kernels [B, H, W, 9 * C] and [B, H, W, 9 * min(C, features)], the step's largest arrays. With
    rematerialised blocks the backward pass makes them anew, one block at a time.

    Attributes:
        hidden: channels between the layout and a prediction; 128 in the paper.
    """

    features: int
    hidden: int = 128
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, layout: Layout) -> jax.Array:
        channels, middle = x.shape[-1], min(x.shape[-1], self.features)
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        label = layout.resize(x.shape[1], x.shape[2])
        widths = {
            "gen_weights1": TAPS * channels,
            "gen_weights2": TAPS * middle,
            "gen_se_weights1": middle,
            "gen_se_weights2": self.features,
        }
        predicted = self._predict(label, widths)

        def norm(y: jax.Array, name: str) -> jax.Array:
            return BatchNorm(affine=True, scale_init=scale_init, dtype=self.dtype, name=name)(y)

        y = conditional_convolve(norm(x, "norm_1"), predicted["gen_weights1"])
        y = Conv(middle, 1, name="conv_1", **common)(y)
        y = nn.leaky_relu(y * nn.sigmoid(predicted["gen_se_weights1"]), 0.2)
        y = conditional_convolve(norm(y, "norm_2"), predicted["gen_weights2"])
        y = Conv(self.features, 1, name="conv_3", **common)(y)
        y = nn.leaky_relu(y * nn.sigmoid(predicted["gen_se_weights2"]), 0.2)
        for name, width in (("norm_0", middle), ("conv_0_norm_layer", channels), ("conv_2_norm_layer", middle)):
            UnusedNorm(width, name=name)()
        if channels != self.features:
            x = SPADE("syncbatch", hidden=self.hidden, name="norm_s", **common)(x, label)
            x = Conv(self.features, 1, use_bias=False, spectral=True, name="conv_s", **common)(x)
        return x + y

    def _predict(self, label: LabelMap, widths: Mapping[str, int]) -> dict[str, jax.Array]:
        """Maps [B, H, W, width] by name, each of two 3x3 convolutions; the first ones of all are one convolution."""
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        firsts = [LabelConv(self.hidden, name=f"{name}_0", **common).weights(label.channels) for name in widths]
        kernels, biases = (jnp.concatenate(parts, axis=-1) for parts in zip(*firsts, strict=True))
        hidden = nn.relu(add_bias(label_convolve(label, kernels, padding=1), biases))
        predicted = {}
        for part, (name, width) in zip(jnp.split(hidden, len(widths), axis=-1), widths.items(), strict=True):
            weights = Conv(width, name=f"{name}_2", **common).weights(self.hidden)
            is_kernel = not name.startswith("gen_se")
            kernel, bias = (taps_first(array, TAPS) for array in weights) if is_kernel else weights
            predicted[name] = add_bias(convolve(part, kernel, padding=1), bias)
        return predicted


class UnusedNorm(nn.Module):
    """An affine batch norm that the authors' blocks hold and never apply: it only makes their checkpoints fit."""

    width: int

    @nn.compact
    def __call__(self) -> None:
        shape = (self.width,)
        self.param("scale", scale_init, shape)
        self.param("bias", nn.initializers.zeros, shape)
        self.variable("batch_stats", "mean", jnp.zeros, shape)
        self.variable("batch_stats", "var", jnp.ones, shape)
        self.variable("batch_stats", "count", jnp.zeros, (), jnp.int32)

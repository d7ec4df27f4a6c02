"""Spatially-adaptive normalisation in groups: a class's features are modulated by that class's labels alone."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import Conv, add_bias, block_diagonal, convolve
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.label_conv import label_convolve
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.normalization import GroupNorm, normalization


class GroupSPADE(nn.Module):
    """SPADE with group convolutions (Zhu et al., CVPR 2020, arXiv 2003.12697, section 3.3, conditional group norm).

    normalise(x) * (1 + gamma) + beta. [B, H, W, C] and a label map of any size -> [B, H, W, C].

    Where the label map has extra channels (instance edges), every group of classes is followed by all of them, so that
    each class sees the edges.

    Attributes:
        hidden: channels between the label map and gamma, beta.
        label_groups: groups of the convolution over the label map; they divide its classes.
        groups: of the convolutions that make gamma and beta.
        norm: the parameter-free normalisation: `batch`, `syncbatch` or `instance`; or `group`, with a group a class,
            which has a learned scale and bias.
        kernel_size: window of all three convolutions.
        first_gamma: gamma before training where a group's classes are not: 0 lets features of a class be everywhere at
            first, as the authors do, -1 only where the class is.
    """

    hidden: int
    label_groups: int
    groups: int
    norm: str = "batch"
    kernel_size: int = 3
    first_gamma: float = 0.0
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, label: LabelMap) -> jax.Array:
        height, width, channels = x.shape[1:]
        hidden = nn.relu(self._on_label(label.resize(height, width)))
        first_gamma = nn.initializers.constant(self.first_gamma)
        gamma_weights = self._conv(channels, self.groups, "mlp_gamma", bias_init=first_gamma).weights(self.hidden)
        beta_weights = self._conv(channels, self.groups, "mlp_beta").weights(self.hidden)
        # One group convolution for both, so the hidden map is read once: within a group gamma, then beta.
        kernel, bias = map(self._interleaved, gamma_weights, beta_weights)
        modulation = add_bias(convolve(hidden, kernel, padding=self.kernel_size // 2, groups=self.groups), bias)
        gamma, beta = (part.reshape(x.shape) for part in jnp.split(self._grouped(modulation), 2, axis=-1))
        if self.norm == "group":
            norm = GroupNorm(label.num_classes, dtype=self.dtype, name="param_free_norm")
        else:
            norm = normalization(self.norm, dtype=self.dtype, name="param_free_norm")
        return norm(x) * (1 + gamma) + beta

    def _on_label(self, label: LabelMap) -> jax.Array:
        kernel, bias = self._conv(self.hidden, self.label_groups, "mlp_shared").weights(
            label.num_classes + self.label_groups * (label.channels - label.num_classes)
        )
        classes = label.num_classes // self.label_groups
        dense = [block_diagonal(kernel[:, :, :classes], self.label_groups), kernel[:, :, classes:]]
        y = label_convolve(label, jnp.concatenate(dense, axis=2), padding=self.kernel_size // 2)
        return add_bias(y, bias)

    def _conv(self, features: int, groups: int, name: str, **options: Any) -> Conv:
        options |= {"kernel_init": self.kernel_init, "dtype": self.dtype, "name": name}
        return Conv(features, self.kernel_size, groups=groups, **options)

    def _interleaved(self, gamma: jax.Array, beta: jax.Array) -> jax.Array:
        """Two arrays [..., channels] as one, group by group: [..., 2 * channels]."""
        both = jnp.concatenate([self._grouped(gamma), self._grouped(beta)], axis=-1)
        return both.reshape(*both.shape[:-2], -1)

    def _grouped(self, array: jax.Array) -> jax.Array:
        """[..., channels] -> [..., groups, channels / groups]."""
        return array.reshape(*array.shape[:-1], self.groups, -1)

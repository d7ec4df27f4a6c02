"""The normalisation of SEAN: SPADE's modulation blended with that of one style code per region."""

from collections.abc import Mapping
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import add_bias, convolve
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.label_conv import LabelConv
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.normalization import BatchNorm
from jaxsyn.layers.region_style import ClassDense, as_regions, convolve_regions
from jaxsyn.layers.spade import modulation_weights


@flax.struct.dataclass
class StyledLabel:
    """A label map with the style of its regions: what an `ACE` layer reads.

    Attributes:
        codes: [B, K, S] style codes, K = label.channels or more (codes of classes that the map cannot hold).
        noise: name of an `ACE` layer -> its noise [B, h, w, 1]; a layer that is not named draws its own.
    """

    label: LabelMap
    codes: jax.Array
    noise: Mapping[str, jax.Array] = flax.struct.field(default_factory=dict)

    def resize(self, height: int, width: int) -> "StyledLabel":
        """The same at another size, by nearest neighbour; codes and noise stay as they are."""
        return self.replace(label=self.label.resize(height, width))


class ACE(nn.Module):
    """Semantic region-adaptive normalisation (Zhu et al., CVPR 2020, section 3.2, equations 1 to 4).

    normalise(x + noise) * (1 + gamma) + beta, where gamma and beta are blends, by learned weights, of what a
    convolution makes of the regions' transformed style codes and of what SPADE makes of the label map.
    [B, H, W, C] and a styled label map of any size -> [B, H, W, C].

    As in the authors' code noise is added also where images are made, the norm is always batch norm, and the codes'
    convolution is always 3x3. Noise that is not given is drawn from the rng stream "noise".

    Attributes:
        styled: False leaves the style codes out, as the last block does; noise stays.
        kernel_size, hidden: of SPADE's convolutions.
    """

    styled: bool = True
    kernel_size: int = 3
    hidden: int = 128
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, layout: StyledLabel) -> jax.Array:
        height, width, channels = x.shape[1:]
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        layout = layout.resize(height, width)
        x = x + self._noise(x.shape, layout) * self.param("noise_var", nn.initializers.zeros, (channels,))
        normalized = BatchNorm(dtype=self.dtype, name="param_free_norm")(x)

        # Parameters of the unstyled layer too: the authors' files hold them.
        weights = [self.param(name, nn.initializers.zeros, (1,)) for name in ("blending_gamma", "blending_beta")]
        spade = _LabelBranch(self.kernel_size, self.hidden, name="Spade", **common)
        hidden, kernel, bias = spade(layout.label, channels)
        modulation = 0.0
        if self.styled:
            # Both branches are linear from here on, so their kernels are blended, not their maps.
            share = jnp.repeat(nn.sigmoid(jnp.concatenate(weights)), channels)
            codes = nn.relu(ClassDense(layout.codes.shape[-1], name="fc_mu", **common)(layout.codes))
            names, regions = ("conv_gamma", "conv_beta"), as_regions(layout.label)
            style_kernel, style_bias = modulation_weights(names, codes.shape[-1], channels, **common)
            style_kernel = (style_kernel * share).astype(self.dtype)
            modulation = convolve_regions(regions, codes[:, : regions.num_classes], style_kernel)
            kernel, bias = kernel * (1 - share), style_bias * share + bias * (1 - share)
        modulation += convolve(hidden, kernel.astype(self.dtype), padding=self.kernel_size // 2)
        gamma, beta = jnp.split(add_bias(modulation, bias), 2, axis=-1)
        return normalized * (1 + gamma) + beta

    def _noise(self, shape: tuple[int, ...], layout: StyledLabel) -> jax.Array:
        if self.name in layout.noise:
            return layout.noise[self.name]
        return jax.random.normal(self.make_rng("noise"), (*shape[:3], 1))


class _LabelBranch(nn.Module):
    """SPADE's own hidden map [B, H, W, hidden], and kernel and bias of the convolution that makes gamma and beta."""

    kernel_size: int
    hidden: int
    kernel_init: Initializer
    dtype: Any

    @nn.compact
    def __call__(self, label: LabelMap, channels: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        options = {"kernel_size": self.kernel_size, "kernel_init": self.kernel_init, "dtype": self.dtype}
        if self.is_initializing():
            # The authors' branch keeps a batch norm that it never applies; their files hold its statistics.
            BatchNorm(name="param_free_norm")(jnp.zeros((1, 1, 1, channels)))
        hidden = nn.relu(LabelConv(self.hidden, name="mlp_shared", **options)(label))
        return hidden, *modulation_weights(("mlp_gamma", "mlp_beta"), self.hidden, channels, **options)

"""CC-FPSE's label encoder: features of a label map that know its surroundings, at every size of a decoder."""

from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from jaxsyn.layers import LabelMap, upsample_nearest
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.normed_conv import NormedConv


@flax.struct.dataclass
class EncodedLabels:
    """A label map and its features; at the size of one of them, a label map with those beside its classes.

    Attributes:
        label: [B, H, W].
        pyramid: features [B, h, w, C] of ever larger sizes.
    """

    label: LabelMap
    pyramid: tuple[jax.Array, ...]

    def resize(self, height: int, width: int) -> LabelMap:
        """The label map by nearest neighbour, the features of that size as its last channels."""
        label = self.label.resize(height, width)
        (features,) = (level for level in self.pyramid if level.shape[1:3] == (height, width))
        parts = [features] if label.extra is None else [label.extra.astype(features.dtype), features]
        return label.replace(extra=jnp.concatenate(parts, axis=-1))


class LabelEncoder(nn.Module):
    """Convolutions down to the smallest map and, joined with their outputs, up again (section 3.1, figure 2).

    Attributes:
        doublings: how often the smallest map's size doubles up to the label map's.
        norm: of `NormedConv`.
    """

    width: int
    doublings: int
    norm: str = "syncbatch"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> EncodedLabels:
        """Label map [B, H, W] -> itself with features [B, h, w, width], from H / 2 ** doublings to H."""
        options = {"norm": self.norm, "kernel_init": self.kernel_init, "dtype": self.dtype}
        (x,) = NormedConv(self.width, name="labelenc1", **options)(label)
        encoded = [x]
        for i in range(self.doublings):
            (x,) = NormedConv(self.width, stride=2, name=f"labelenc{i + 2}", **options)(x)
            encoded.append(x)
        pyramid = [encoded.pop()]
        for i in range(self.doublings):
            (lateral,) = NormedConv(self.width, 1, name=f"labellat{i + 1}", **options)(encoded.pop())
            (x,) = NormedConv(self.width, name=f"labeldec{i + 1}", **options)(upsample_nearest(pyramid[-1]) + lateral)
            pyramid.append(x)
        return EncodedLabels(label, tuple(pyramid))

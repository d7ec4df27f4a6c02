"""Class-adaptive normalisation: SPADE's modulation as a table of one scale and one shift a class."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import Conv
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.label_conv import label_convolve
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.normalization import normalization
from jaxsyn.layers.resize import resize_nearest


@flax.struct.dataclass
class PositionedLabels:
    """A label map, and where each pixel lies in its region.

    Attributes:
        label: ids [B, H, W], with instance edges as its extra channel or without.
        position: [B, H, W, 2] offsets from the region's centroid, rows then columns, in [-1, 1]; or None.
    """

    label: LabelMap
    position: jax.Array | None = None

    def resize(self, height: int, width: int) -> "PositionedLabels":
        """Both at another size, by nearest neighbour with torch's rule."""
        position = None if self.position is None else resize_nearest(self.position, height, width)
        return PositionedLabels(self.label.resize(height, width), position)


def look_up_classes(label: LabelMap, table: jax.Array) -> jax.Array:
    """Each pixel's row of a table of the classes.

    As in the reference, the class of a soft map is its largest one, and a pixel with no class has class 0. It is the
    label convolution with a window of one pixel: a gather, or a one-hot product where that is faster.

    Args:
        label: ids [B, H, W]; extra channels are left aside.
        table: [num_classes, F].

    Returns:
        [B, H, W, F], in the table's dtype.
    """
    ids = label.ids.argmax(-1) if label.is_dense else label.ids
    ids = jnp.where((ids < 0) | (ids >= label.num_classes), 0, ids)
    return label_convolve(LabelMap(ids, None, label.num_classes), table[None, None])


class ClassAffine(nn.Module):
    """x * weight[class] + bias[class] (CLADE, equation 5): the scale is the entry itself, not one plus it.

    With positions (CLADE-ICPE, section 3.4) two linear maps of a pixel's offset scale both, the same for all channels:
    weight[class] * (1 + w(position)) and bias[class] * (1 + b(position)).
    [B, H, W, C], labels of that size -> [B, H, W, C].
    """

    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, labels: PositionedLabels) -> jax.Array:
        shape = (labels.label.num_classes, x.shape[-1])
        weight = self.param("weight", nn.initializers.uniform(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, shape)
        table = jnp.concatenate([weight, bias], axis=-1).astype(self.dtype)
        scale, shift = jnp.split(look_up_classes(labels.label, table), 2, axis=-1)
        if labels.position is not None:
            options = {"kernel_size": 1, "kernel_init": self.kernel_init, "dtype": self.dtype}
            scale *= 1 + Conv(1, name="dist_conv_w", **options)(labels.position)
            shift *= 1 + Conv(1, name="dist_conv_b", **options)(labels.position)
        return x * scale + shift


class CLADE(nn.Module):
    """Class-adaptive (de)normalisation (Tan et al., TPAMI 2021, arXiv 2012.04644, section 3.3).

    [B, H, W, C] and labels of any size, resized by nearest neighbour -> [B, H, W, C]; with instance edges, their
    scaled map comes after the C channels: [B, H, W, C + 1].

    Attributes:
        norm: the parameter-free normalisation: `batch`, `syncbatch` (the same under jit) or `instance`.
    """

    norm: str = "batch"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, labels: PositionedLabels) -> jax.Array:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        labels = labels.resize(x.shape[1], x.shape[2])
        normalized = normalization(self.norm, dtype=self.dtype, name="param_free_norm")(x)
        y = ClassAffine(name="class_specified_affine", **common)(normalized, labels)
        if labels.label.extra is None:
            return y
        edges = Conv(1, kernel_size=1, name="inst_conv", **common)(labels.label.extra)
        return jnp.concatenate([y, edges], axis=-1)

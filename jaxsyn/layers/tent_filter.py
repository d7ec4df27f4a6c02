"""Down-sampling of label maps and images by a fixed tent filter (ASAP-Net)."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.errors import UserError
from jaxsyn.layers.convolution import pad_borders
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.precision import at_least_float32


def tent_downsample(x: jax.Array, stride: int) -> jax.Array:
    """Every `stride`-th value of the map filtered by a tent 2 * stride wide, reflected at the borders.

    [B, H, W, C] float -> [B, H / stride, W / stride, C]. The weights are 1, 3, ..., 2s - 1, 2s - 1, ..., 3, 1 over
    their sum, along both axes: a bilinear reduction with antialiasing.

    Raises:
        UserError: an odd stride, at which the tent has no middle between the pixels.
    """
    _require_even(stride)
    return _filtered(pad_borders(x, stride // 2, "reflect"), stride)


def tent_downsample_label(label: LabelMap, stride: int) -> LabelMap:
    """The soft label map, extra channels included, that `tent_downsample` makes of the dense map.

    Raises:
        UserError: an odd stride.
    """
    _require_even(stride)
    # Labels are padded as integers, so that the compiler keeps the one-hot map of the full size from memory.
    ids = pad_borders(label.ids, stride // 2, "reflect")
    classes = ids if label.is_dense else jax.nn.one_hot(ids, label.num_classes)
    extra = None if label.extra is None else tent_downsample(at_least_float32(label.extra), stride)
    return LabelMap(_filtered(classes, stride), extra, label.num_classes)


def _require_even(stride: int) -> None:
    if stride % 2:
        raise UserError(f"a tent filter of stride {stride}: it must be even; change tile_size or learned_factor")


def _filtered(x: jax.Array, stride: int) -> jax.Array:
    ramp = np.arange(1, 2 * stride, 2)
    weights = (np.concatenate([ramp, ramp[::-1]]) / (2 * ramp.sum())).astype(np.float32)
    for axis in (2, 1):
        last = x.shape[axis] - 2 * stride + 1
        taps = (jax.lax.slice_in_dim(x, i, i + last, stride, axis) for i in range(2 * stride))
        x = sum(jnp.asarray(weight, x.dtype) * tap for weight, tap in zip(weights, taps, strict=True))
    return x

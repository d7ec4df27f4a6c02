"""Convolution over a label map whose ids stay integers.

Over a one-hot map a convolution adds up k * k rows of its kernel, one for each label in the window. So it is computed
as look-ups (CPU and GPU) or, where a table look-up is slow and a matrix unit is at hand (TPU), as k * k shifted
one-hot products that the compiler keeps from memory. Parameters and results are those of the dense convolution.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.layers.constant_conv import convolve_constant
from jaxsyn.layers.convolution import Conv, add_bias, convolve, pad_borders
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.windows import windows


def label_convolve(
    label: LabelMap, kernel: jax.Array, *, stride: int = 1, padding: int = 0, padding_mode: str = "zeros"
) -> jax.Array:
    """Convolves a label map, noise and extra channels included: equals the convolution of `label.dense()`.

    Noise that is one vector an image costs no convolution at the map's size.

    Args:
        label: ids [B, H, W].
        kernel: [k, k, label.channels, features].
        padding: pixels on each side, of nothing (`zeros`) or of reflected labels (`reflect`).

    Returns:
        [B, h, w, features], in the kernel's dtype.
    """
    first = label.noise_channels
    noise_kernel, class_kernel, extra_kernel = jnp.split(kernel, (first, first + label.num_classes), axis=2)
    if label.is_dense:
        ids = pad_borders(label.ids.astype(kernel.dtype), padding, padding_mode)
        y = convolve(ids, class_kernel, stride=stride)
    else:
        # Class `num_classes` does not exist: the look-up of a padded pixel gives zero.
        ids = label.ids.astype(jnp.int32)
        ids = jnp.where((ids < 0) | (ids >= label.num_classes), label.num_classes, ids)
        pads = ((0, 0), (padding, padding), (padding, padding))
        if padding_mode == "zeros":
            ids = jnp.pad(ids, pads, constant_values=label.num_classes)
        else:
            ids = pad_borders(ids, padding, padding_mode)
        y = _convolve_ids(ids, class_kernel, stride)
    maps = [(label.extra, extra_kernel)] if label.extra is not None else []
    if label.noise_varies:
        maps.append((label.noise, noise_kernel))
    elif label.noise is not None:
        options = {"stride": stride, "padding": padding, "padding_mode": padding_mode}
        y = y + convolve_constant(label.noise, noise_kernel, *label.ids.shape[1:3], **options)
    for channels, part in maps:
        y = y + convolve(pad_borders(channels.astype(kernel.dtype), padding, padding_mode), part, stride=stride)
    return y


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve_ids(ids: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    return lax.platform_dependent(
        ids, kernel, tpu=partial(_by_products, stride=stride), default=partial(_by_look_ups, stride=stride)
    )


def _forward(ids: jax.Array, kernel: jax.Array, stride: int) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _convolve_ids(ids, kernel, stride), (ids, kernel)


def _backward(stride: int, residuals: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[None, jax.Array]:
    ids, kernel = residuals
    size, _, classes, _ = kernel.shape
    taps = windows(ids, size, stride)
    flat = gradient.reshape(-1, gradient.shape[-1])

    def by_sums(flat: jax.Array) -> jax.Array:
        # float32: a sum over all pixels of a class. One class more than there are, for padding, is then cut off.
        # A loop over the taps compiles one scatter where nine would be, and runs faster than all in one.
        wide, ids = flat.astype(jnp.float32), jnp.stack([tap.reshape(-1) for tap in taps])
        return lax.map(lambda tap: jax.ops.segment_sum(wide, tap, classes + 1)[:classes], ids)

    def by_products(flat: jax.Array) -> jax.Array:
        one_hots = (jax.nn.one_hot(tap.reshape(-1), classes, dtype=flat.dtype) for tap in taps)
        return jnp.stack([jnp.matmul(one_hot.T, flat, preferred_element_type=jnp.float32) for one_hot in one_hots])

    kernel_gradient = lax.platform_dependent(flat, tpu=by_products, default=by_sums)
    return None, kernel_gradient.reshape(kernel.shape).astype(kernel.dtype)


_convolve_ids.defvjp(_forward, _backward)


def _by_look_ups(ids: jax.Array, kernel: jax.Array, *, stride: int) -> jax.Array:
    size, _, classes, features = kernel.shape
    tables = kernel.reshape(size * size, classes, features)
    taps = zip(tables, windows(ids, size, stride), strict=True)
    rows = (jnp.take(table, tap, axis=0, mode="fill", fill_value=0) for table, tap in taps)
    return sum(row.astype(jnp.float32) for row in rows).astype(kernel.dtype)


def _by_products(ids: jax.Array, kernel: jax.Array, *, stride: int) -> jax.Array:
    size, _, classes, features = kernel.shape
    tables = kernel.reshape(size * size, classes, features)
    taps = zip(tables, windows(ids, size, stride), strict=True)
    return sum(jax.nn.one_hot(tap, classes, dtype=kernel.dtype) @ table for table, tap in taps)


class LabelConv(Conv):
    """`Conv` over a `LabelMap`: [B, H, W] ids -> [B, h, w, features], with the parameters of the dense convolution.

    The kernel is [k, k, noise + classes + extra channels, features]. Takes soft maps too, as the dense convolution they
    are. Groups and dilation are not supported.
    """

    def __call__(self, label: LabelMap) -> jax.Array:
        kernel, bias = self.weights(label.channels)
        y = label_convolve(label, kernel, stride=self.stride, padding=self.border, padding_mode=self.padding_mode)
        return add_bias(y, bias)

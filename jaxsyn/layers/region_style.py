"""One style code for each region of a label map: taken from features, transformed, and spread over a map again."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.instance_means import instance_means
from jaxsyn.layers.label_conv import label_convolve
from jaxsyn.layers.label_map import LabelMap


def region_means(features: jax.Array, label: LabelMap) -> jax.Array:
    """Mean of the features over the pixels of each class (SEAN, section 3.1, region-wise average pooling).

    Args:
        features: [B, H, W, C].
        label: of any size, resized by nearest neighbour. Its extra channels are regions too, after the classes.

    Returns:
        [B, K, C] float32 with K = label.channels: zero for a class without pixels.
    """
    label = label.resize(*features.shape[1:3])
    if not label.is_dense and label.extra is None:
        return instance_means(features, label.ids, label.num_classes)
    # Soft or overlapping regions.
    regions = label.dense(features.dtype)
    total = jnp.einsum("bhwk,bhwc->bkc", regions, features, preferred_element_type=jnp.float32)
    area = regions.sum((1, 2), dtype=jnp.float32)
    return total / jnp.maximum(area, 1)[..., None]


def as_regions(label: LabelMap) -> LabelMap:
    """The label map with every pixel in one region: extra channels become classes that cover those before them.

    So SEAN's code paints an edge map, as one more class and last.
    """
    if label.extra is None:
        return label
    ids = label.ids
    for channel in range(label.extra.shape[-1]):
        ids = jnp.where(label.extra[..., channel] > 0, label.num_classes + channel, ids)
    return LabelMap(ids, None, label.channels)


def convolve_regions(label: LabelMap, codes: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolves the map that shows each region's code at its pixels, without making that map.

    The map is constant within a region, so its convolution is that of the label map with kernels of the sample's own:
    codes times each tap of the kernel. K classes take the place of S channels.

    Args:
        label: ids [B, H, W], without extra channels (see `as_regions`). Pixels without class show zeros.
        codes: [B, K, S], K = label.num_classes.
        kernel: [k, k, S, features], k odd; zero padding keeps the size.

    Returns:
        [B, H, W, features], in the kernel's dtype.
    """
    kernels = jnp.einsum("bks,yxsc->byxkc", codes.astype(kernel.dtype), kernel)

    def one(ids: jax.Array, kernel: jax.Array) -> jax.Array:
        return label_convolve(LabelMap(ids[None], None, label.num_classes), kernel, padding=kernel.shape[0] // 2)[0]

    return jax.vmap(one)(label.ids, kernels)


class ClassDense(nn.Module):
    """A linear layer of its own for each class: [B, K, I] -> [B, K, features].

    The layers are stacked, `stacked_kernel` [K, I, features] and `stacked_bias` [K, features]; `jaxsyn.interop` takes
    them from, and writes them as, the K layers that PyTorch code has.
    """

    features: int
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        classes, inputs = x.shape[1:]

        def each_by_itself(key: jax.Array, shape: tuple[int, int, int]) -> jax.Array:
            return jax.vmap(lambda k: self.kernel_init(k, shape[1:]))(jax.random.split(key, shape[0]))

        kernel = self.param("stacked_kernel", each_by_itself, (classes, inputs, self.features))
        bias = self.param("stacked_bias", nn.initializers.zeros, (classes, self.features))
        y = jnp.einsum("bki,kio->bko", x.astype(self.dtype), kernel.astype(self.dtype))
        return (y + bias).astype(self.dtype)

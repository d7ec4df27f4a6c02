"""Label maps as single integers a pixel, which distinguish all that a convolution can see there."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxsyn.layers.label_map import LabelMap

LARGEST = 2**31


class LabelKeys(NamedTuple):
    """How a label map's ids, its yes-or-no channels and, where its noise differs by image, its image make a key.

    Attributes:
        classes: number of classes; an id outside them is a class of its own here, which shows nothing.
        extras: number of channels behind them.
        images: how many images have noise of their own; 0 where there is none.
    """

    classes: int
    extras: int
    images: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each part of a key takes."""
        return (self.classes + 1, *(2,) * self.extras, *((self.images,) if self.images else ()))

    def encode(self, label: LabelMap) -> jax.Array:
        """The keys [B, H, W] of a map for which `keys_of` gave these."""
        valid = (label.ids >= 0) & (label.ids < self.classes)
        keys = jnp.where(valid, label.ids, self.classes).astype(jnp.int32)
        for e in range(self.extras):
            keys = keys * 2 + label.extra[..., e].astype(jnp.int32)
        if self.images:
            keys = keys * self.images + jnp.arange(self.images, dtype=jnp.int32)[:, None, None]
        return keys

    def decode(self, keys: jax.Array) -> tuple[jax.Array, ...]:
        """The row of each of `tables` that pixels of these keys show; one behind the last is none. Negative: nothing."""
        parts, rest = [], keys
        for size in reversed(self.sizes[1:]):
            rest, part = jnp.divmod(rest, size)
            parts.append(part)
        rows = [rest, *reversed(parts)]
        shown = [rows[0], *(1 - row for row in rows[1 : 1 + self.extras]), *rows[1 + self.extras :]]
        return tuple(jnp.where(keys < 0, size, row) for size, row in zip(self.table_sizes, shown, strict=True))

    @property
    def table_sizes(self) -> tuple[int, ...]:
        """How many rows each of `tables` has."""
        return (self.classes, *(1,) * self.extras, *((self.images,) if self.images else ()))

    def tables(self, label: LabelMap, kernel: jax.Array) -> tuple[jax.Array, ...]:
        """A convolution's kernel [k, k, label.channels, features] by what `decode` tells of: [k * k, rows, features]."""
        taps = kernel.reshape(-1, *kernel.shape[2:])
        first, last = label.noise_channels, label.noise_channels + self.classes
        tables = [taps[:, first:last], *(taps[:, last + e : last + e + 1] for e in range(self.extras))]
        if self.images:
            tables.append(label.noise.astype(kernel.dtype) @ taps[:, :first])
        return tuple(tables)


def keys_of(label: LabelMap) -> LabelKeys | None:
    """The keys of a label map; None for maps of real numbers, which few pixels share, and for keys beyond an int32."""
    yes_or_no = label.extra is None or label.extra.dtype == bool
    if label.is_dense or label.noise_varies or not yes_or_no:
        return None
    extras = 0 if label.extra is None else label.extra.shape[-1]
    keys = LabelKeys(label.num_classes, extras, 0 if label.noise is None else label.noise.shape[0])
    return keys if math.prod(keys.sizes) < LARGEST else None

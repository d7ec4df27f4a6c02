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

    def rows(self, keys: jax.Array) -> jax.Array:
        """Where in `table` what pixels of such keys show stands, [..., parts]; negative keys show nothing."""
        parts, rest = [], keys
        for size in reversed(self.sizes[1:]):
            rest, part = jnp.divmod(rest, size)
            parts.append(part)
        ids, parts = rest, parts[::-1]
        rows = [
            ids,
            *(jnp.where(part == 1, self.classes + 1 + e, self.classes) for e, part in enumerate(parts[: self.extras])),
        ]
        rows += [self.classes + 1 + self.extras + image for image in parts[self.extras :]]
        return jnp.where(keys[..., None] < 0, self.classes, jnp.stack(rows, axis=-1))

    def table(self, label: LabelMap, kernel: jax.Array) -> jax.Array:
        """A convolution's kernel [k, k, label.channels, features] as rows to be added up: [k * k, rows, features].

        First those of the classes, then one of zeros, those of the channels behind the classes, those of the images.
        """
        taps = kernel.reshape(-1, *kernel.shape[2:])
        noise, classes, extras = jnp.split(taps, (label.noise_channels, label.noise_channels + self.classes), axis=1)
        images = label.noise.astype(kernel.dtype) @ noise if self.images else noise
        return jnp.concatenate([classes, jnp.zeros_like(taps[:, :1]), extras, images], axis=1)


def keys_of(label: LabelMap) -> LabelKeys | None:
    """The keys of a label map; None for maps of real numbers, which few pixels share, and for keys beyond an int32."""
    yes_or_no = label.extra is None or label.extra.dtype == bool
    if label.is_dense or label.noise_varies or not yes_or_no:
        return None
    extras = 0 if label.extra is None else label.extra.shape[-1]
    keys = LabelKeys(label.num_classes, extras, 0 if label.noise is None else label.noise.shape[0])
    return keys if math.prod(keys.sizes) < LARGEST else None

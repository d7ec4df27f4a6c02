"""Means over the instances of an image (pix2pixHD, section 3.4: instance-wise average pooling)."""

from functools import partial

import jax
import jax.numpy as jnp


def instance_areas(instance: jax.Array, count: int) -> jax.Array:
    """Pixels of each instance, float32 [B, I].

    Args:
        instance: [B, H, W] instance numbers; those outside 0 to count - 1 belong to none.
        count: I, how many numbers there are.
    """
    flat = instance.reshape(len(instance), -1)
    return jax.vmap(partial(_sums, count=count))(jnp.ones_like(flat, jnp.float32), flat)


def instance_means(features: jax.Array, instance: jax.Array, count: int) -> jax.Array:
    """Mean of the features over the pixels of each instance, connected or not.

    Args:
        features: [B, H, W, C].
        instance: [B, H, W] instance numbers; those outside 0 to count - 1 belong to none.
        count: I, how many numbers there are.

    Returns:
        [B, I, C] float32; zero for a number without pixels.
    """
    batch, *_, channels = features.shape
    sums = jax.vmap(partial(_sums, count=count))
    total = sums(features.astype(jnp.float32).reshape(batch, -1, channels), instance.reshape(batch, -1))
    return total / jnp.maximum(instance_areas(instance, count), 1)[..., None]


def _sums(values: jax.Array, numbers: jax.Array, *, count: int) -> jax.Array:
    return jax.ops.segment_sum(values, numbers, count)

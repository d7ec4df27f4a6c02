"""Means over the instances of an image (pix2pixHD, section 3.4: instance-wise average pooling)."""

import jax
import jax.numpy as jnp


def instance_areas(instance: jax.Array, count: int) -> jax.Array:
    """Pixels of each instance, float32 [B, I].

    Args:
        instance: [B, H, W] instance numbers; those outside 0 to count - 1 belong to none.
        count: I, how many numbers there are.
    """
    return _sums(jnp.ones(instance.size), instance, count)


def instance_means(features: jax.Array, instance: jax.Array, count: int) -> jax.Array:
    """Mean of the features over the pixels of each instance, connected or not.

    Args:
        features: [B, H, W, C].
        instance: [B, H, W] instance numbers; those outside 0 to count - 1 belong to none.
        count: I, how many numbers there are.

    Returns:
        [B, I, C] float32; zero for a number without pixels.
    """
    total = _sums(features.astype(jnp.float32).reshape(-1, features.shape[-1]), instance, count)
    return total / jnp.maximum(instance_areas(instance, count), 1)[..., None]


def _sums(values: jax.Array, instance: jax.Array, count: int) -> jax.Array:
    """Sums of values [B * H * W, ...] over the instances of each image, [B, count, ...]."""
    batch = instance.shape[0]
    # One sum for the whole batch, in which each image has numbers of its own; what is in none falls off the end.
    numbers = instance + count * jnp.arange(batch)[:, None, None]
    numbers = jnp.where((instance < 0) | (instance >= count), batch * count, numbers)
    total = jax.ops.segment_sum(values, numbers.reshape(-1), batch * count)
    return total.reshape(batch, count, *values.shape[1:])

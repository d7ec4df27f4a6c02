"""Batch, instance and group normalisation with PyTorch's statistics."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.layers.precision import at_least_float32


def normalize(x: jax.Array, mean: jax.Array, variance: jax.Array, epsilon: float) -> jax.Array:
    """(x - mean) / sqrt(variance + epsilon), in float32 or wider."""
    return (at_least_float32(x) - mean) * lax.rsqrt(variance + epsilon)


class BatchNorm(nn.Module):
    """Batch normalisation over batch, height and width: [B, H, W, C] -> the same shape.

    Where collection "batch_stats" is mutable, the batch's own statistics normalise (biased variance) and the running
    ones are updated (unbiased variance, as torch keeps it; flax keeps the biased one). Under `jit` with a sharded
    batch the statistics are those of the global batch, so this is also the synchronised batch norm of the papers.
    The library that the PyTorch code used for that clamps the variance from below instead of adding epsilon when it
    runs on several devices; here the single-device formula holds everywhere.

    Attributes:
        affine: whether a learned scale and bias follow.
        momentum: weight of the new statistics in the running ones.
    """

    affine: bool = False
    momentum: float = 0.1
    epsilon: float = 1e-5
    scale_init: Any = nn.initializers.ones
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        channels = x.shape[-1]
        mean = self.variable("batch_stats", "mean", jnp.zeros, (channels,))
        variance = self.variable("batch_stats", "var", jnp.ones, (channels,))
        count = self.variable("batch_stats", "count", jnp.zeros, (), jnp.int32)
        if self.is_mutable_collection("batch_stats"):
            x32 = at_least_float32(x)
            batch_mean = x32.mean((0, 1, 2))
            batch_variance = jnp.square(x32 - batch_mean).mean((0, 1, 2))
            if not self.is_initializing():
                size = x.size // channels
                unbiased = lax.stop_gradient(batch_variance) * (size / max(size - 1, 1))
                mean.value += self.momentum * (lax.stop_gradient(batch_mean) - mean.value)
                variance.value += self.momentum * (unbiased - variance.value)
                count.value += 1
            y = normalize(x32, batch_mean, batch_variance, self.epsilon)
        else:
            y = normalize(x, mean.value, variance.value, self.epsilon)
        if self.affine:
            y = y * self.param("scale", self.scale_init, (channels,))
            y = y + self.param("bias", nn.initializers.zeros, (channels,))
        return y.astype(self.dtype)


class InstanceNorm(nn.Module):
    """Instance normalisation over height and width, always by the sample's own statistics (biased variance).

    [B, H, W, C] -> the same shape.

    Attributes:
        affine: whether a learned scale and bias follow.
        track: whether running statistics are kept, as torch keeps them, for checkpoints that hold them; no output
            depends on them.
    """

    affine: bool = False
    track: bool = False
    epsilon: float = 1e-5
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x32 = at_least_float32(x)
        mean = x32.mean((1, 2), keepdims=True)
        variance = jnp.square(x32 - mean).mean((1, 2), keepdims=True)
        if self.track:
            size = x.shape[1] * x.shape[2]
            self._track(mean.mean((0, 1, 2)), variance.mean((0, 1, 2)) * (size / max(size - 1, 1)))
        y = normalize(x32, mean, variance, self.epsilon)
        if self.affine:
            y = y * self.param("scale", nn.initializers.ones, (x.shape[-1],))
            y = y + self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        return y.astype(self.dtype)

    def _track(self, new_mean: jax.Array, new_variance: jax.Array) -> None:
        """Moves the running statistics [C] a tenth of the way to the batch's."""
        mean = self.variable("batch_stats", "mean", jnp.zeros, new_mean.shape)
        variance = self.variable("batch_stats", "var", jnp.ones, new_variance.shape)
        count = self.variable("batch_stats", "count", jnp.zeros, (), jnp.int32)
        if self.is_mutable_collection("batch_stats") and not self.is_initializing():
            mean.value += 0.1 * (lax.stop_gradient(new_mean) - mean.value)
            variance.value += 0.1 * (lax.stop_gradient(new_variance) - variance.value)
            count.value += 1


class GroupNorm(nn.Module):
    """Group normalisation (Wu and He, ECCV 2018) with a learned scale and bias: [B, H, W, C] -> the same shape.

    Statistics are those of a sample's height, width and the channels of a group, which are neighbours.
    """

    groups: int
    epsilon: float = 1e-5
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, height, width, channels = x.shape
        x32 = at_least_float32(x).reshape(batch, height, width, self.groups, channels // self.groups)
        mean = x32.mean((1, 2, 4), keepdims=True)
        variance = jnp.square(x32 - mean).mean((1, 2, 4), keepdims=True)
        y = normalize(x32, mean, variance, self.epsilon).reshape(x.shape)
        y = y * self.param("scale", nn.initializers.ones, (channels,))
        return (y + self.param("bias", nn.initializers.zeros, (channels,))).astype(self.dtype)


def normalization(kind: str, *, affine: bool = False, dtype: Any = jnp.float32, name: str | None = None) -> nn.Module:
    """A normalisation layer by its name in a config: `batch` (`syncbatch` is the same under jit) or `instance`.

    Raises:
        UserError: no such kind.
    """
    if kind in ("batch", "syncbatch"):
        return BatchNorm(affine=affine, dtype=dtype, name=name)
    if kind == "instance":
        return InstanceNorm(affine=affine, dtype=dtype, name=name)
    raise UserError(f"normalisation {kind!r} is not known; choose batch, syncbatch or instance")

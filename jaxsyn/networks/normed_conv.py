"""Convolution, norm and leaky ReLU: the step of CC-FPSE's feature pyramids."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import BatchNorm, Conv, InstanceNorm, LabelMap, add_bias, convolve, label_convolve
from jaxsyn.layers.initializers import DEFAULT, Initializer

NORMS = ("none", "batch", "syncbatch", "instance")


class NormedConv(nn.Module):
    """Spectrally normalised convolution (with a bias where no norm follows), norm, leaky ReLU 0.2.

    Attributes:
        norm: `none`, `batch` (affine; `syncbatch` is the same under jit) or `instance` (not affine).
    """

    features: int
    kernel_size: int = 3
    stride: int = 1
    norm: str = "instance"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, *inputs: jax.Array | LabelMap) -> list[jax.Array]:
        """Maps [B, H, W, C] or label maps -> [B, h, w, features] each.

        All pass with one set of weights (one power iteration), and batch statistics are those of all together.

        Raises:
            UserError: no such norm.
        """
        if self.norm not in NORMS:
            raise UserError(f"norm {self.norm!r} is not known; choose one of {', '.join(NORMS)}")
        first = inputs[0]
        kernel, bias = Conv(
            self.features,
            self.kernel_size,
            use_bias=self.norm == "none",
            spectral=True,
            kernel_init=self.kernel_init,
            dtype=self.dtype,
            name="conv",
        ).weights(first.channels if isinstance(first, LabelMap) else first.shape[-1])
        ys = [add_bias(self._convolve(x, kernel), bias) for x in inputs]
        return [nn.leaky_relu(y, 0.2) for y in self._normalize(ys)]

    def _convolve(self, x: jax.Array | LabelMap, kernel: jax.Array) -> jax.Array:
        options = {"stride": self.stride, "padding": self.kernel_size // 2}
        if isinstance(x, LabelMap):
            return label_convolve(x, kernel, **options)
        return convolve(x.astype(self.dtype), kernel, **options)

    def _normalize(self, ys: Sequence[jax.Array]) -> Sequence[jax.Array]:
        if self.norm == "none":
            return ys
        if self.norm == "instance":
            return [InstanceNorm(dtype=self.dtype)(y) for y in ys]
        norm = BatchNorm(affine=True, scale_init=scale_init, dtype=self.dtype, name="norm")
        return [norm(ys[0])] if len(ys) == 1 else jnp.split(norm(jnp.concatenate(ys)), len(ys))


def scale_init(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Normal around 1 with deviation 0.02: how the authors begin the scale of every affine norm."""
    return 1 + 0.02 * jax.random.normal(key, shape)

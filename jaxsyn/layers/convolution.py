"""Convolutions with PyTorch's geometry, and their spectrally normalised forms."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from jaxsyn.layers.correlation import DIMENSIONS, Geometry, correlate
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.partition import needs_whole_rows, whole_rows
from jaxsyn.layers.spectral_norm import spectral_normalize


def pad_borders(x: jax.Array, padding: int, mode: str = "zeros") -> jax.Array:
    """Pads height and width of [B, H, W, ...] by `padding`: `zeros`, `reflect` or `replicate`."""
    if padding == 0:
        return x
    pads = ((0, 0), (padding, padding), (padding, padding)) + ((0, 0),) * (x.ndim - 3)
    return jnp.pad(x, pads, mode={"zeros": "constant", "reflect": "reflect", "replicate": "edge"}[mode])


def convolve(
    x: jax.Array, kernel: jax.Array, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> jax.Array:
    """[B, H, W, I] with a kernel [k, k, I / groups, O] -> [B, h, w, O]; `padding` zeros on each side."""
    one = partial(_convolve, stride=stride, padding=padding, dilation=dilation)
    if groups == 1:
        return one(x, kernel)
    # On a CPU XLA's grouped convolution, backwards, takes many times the time of the dense one.
    return lax.platform_dependent(
        x,
        kernel,
        cpu=lambda x, kernel: one(x, block_diagonal(kernel, groups)),
        default=partial(one, groups=groups),
    )


def block_diagonal(kernel: jax.Array, groups: int) -> jax.Array:
    """The kernel [k, k, I, O] of the convolution that one [k, k, I / groups, O] in groups is: zero between groups."""
    *window, inputs, features = kernel.shape
    blocks = kernel.reshape(*window, 1, inputs, groups, features // groups)
    mask = jnp.eye(groups, dtype=kernel.dtype)[:, None, :, None]
    return (blocks * mask).reshape(*window, groups * inputs, features)


def _convolve(
    x: jax.Array, kernel: jax.Array, *, stride: int, padding: int, dilation: int, groups: int = 1
) -> jax.Array:
    whole = needs_whole_rows(x, dilation * (kernel.shape[0] - 1) + 1, stride)
    x = whole_rows(x) if whole else x
    if groups == 1:
        y = correlate(x, kernel, Geometry(stride, padding, padding, dilation))
    else:
        y = lax.conv_general_dilated(
            x,
            kernel,
            window_strides=(stride, stride),
            padding=((padding, padding),) * 2,
            rhs_dilation=(dilation, dilation),
            dimension_numbers=DIMENSIONS,
            feature_group_count=groups,
        )
    return whole_rows(y) if whole else y


def add_bias(y: jax.Array, bias: jax.Array | None) -> jax.Array:
    """y + bias, in y's dtype; None adds nothing.

    The sum is float32, and so is the bias's gradient, which adds up as many numbers as there are pixels.
    """
    return y if bias is None else (y + bias).astype(y.dtype)


class Conv(nn.Module):
    """2-D convolution, [B, H, W, I] -> [B, h, w, features].

    Attributes:
        padding: pixels on each side; None keeps the size of an odd kernel at stride 1 (kernel_size // 2).
        padding_mode: `zeros`, `reflect` or `replicate`.
        spectral: whether the kernel is divided by its spectral norm.
    """

    features: int
    kernel_size: int = 3
    stride: int = 1
    padding: int | None = None
    padding_mode: str = "zeros"
    dilation: int = 1
    groups: int = 1
    use_bias: bool = True
    spectral: bool = False
    kernel_init: Initializer = DEFAULT
    bias_init: Initializer = nn.initializers.zeros
    dtype: Any = jnp.float32

    @nn.compact
    def weights(self, in_channels: int) -> tuple[jax.Array, jax.Array | None]:
        """The kernel [k, k, in_channels / groups, features] in `dtype`, and the bias [features] for `add_bias`."""
        shape = (self.kernel_size, self.kernel_size, in_channels // self.groups, self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        if self.spectral:
            kernel = spectral_normalize(self, kernel)
        bias = self.param("bias", self.bias_init, (self.features,)) if self.use_bias else None
        return kernel.astype(self.dtype), bias

    @property
    def border(self) -> int:
        """Pixels of padding on each side."""
        return self.dilation * (self.kernel_size // 2) if self.padding is None else self.padding

    def __call__(self, x: jax.Array) -> jax.Array:
        kernel, bias = self.weights(x.shape[-1])
        border = self.border
        if self.padding_mode != "zeros":
            x, border = pad_borders(x, border, self.padding_mode), 0
        y = convolve(
            x.astype(self.dtype), kernel, stride=self.stride, padding=border, dilation=self.dilation, groups=self.groups
        )
        return add_bias(y, bias)


class ConvTranspose(nn.Module):
    """2-D transposed convolution with torch's geometry, [B, H, W, I] -> [B, h, w, features].

    h = (H - 1) * stride - 2 * padding + kernel_size + output_padding.
    """

    features: int
    kernel_size: int = 3
    stride: int = 2
    padding: int = 1
    output_padding: int = 1
    use_bias: bool = True
    spectral: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        # The name tells importers that the reference keeps this kernel as (in, out, kh, kw).
        shape = (self.kernel_size, self.kernel_size, x.shape[-1], self.features)
        kernel = self.param("transposed_kernel", self.kernel_init, shape)
        if self.spectral:
            kernel = spectral_normalize(self, kernel)
        low = self.kernel_size - 1 - self.padding
        whole = needs_whole_rows(x, self.kernel_size)
        y = correlate(
            (whole_rows(x) if whole else x).astype(self.dtype),
            kernel[::-1, ::-1].astype(self.dtype),
            Geometry(low=low, high=low + self.output_padding, input_dilation=self.stride),
        )
        y = whole_rows(y) if whole else y
        return add_bias(y, self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else None)


class Dense(nn.Module):
    """Linear layer, [..., I] -> [..., features]."""

    features: int
    use_bias: bool = True
    spectral: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = self.param("kernel", self.kernel_init, (x.shape[-1], self.features))
        if self.spectral:
            kernel = spectral_normalize(self, kernel)
        y = x.astype(self.dtype) @ kernel.astype(self.dtype)
        return add_bias(y, self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else None)

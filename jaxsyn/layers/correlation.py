"""The convolution under all convolution layers, with a kernel gradient that suits each platform.

XLA makes a CPU's kernel gradient a convolution whose window is the whole image: one matrix product with a sum over all
pixels, which runs on one core and misses every cache. In blocks of rows the same products fit a core's cache. Measured
on two cores, kernel gradient in blocks against XLA's: 3x3, 24 to 24 channels, 256x512: 10 times as fast; 128 to 64
channels, 128x256: 12 times. For small images `folded_rows` has a form that is faster still.

And inside of a branch or a loop (a phase that is not made in every step, gradients accumulated over slices) XLA leaves
a CPU's convolutions in the layout that they come in, of which one alone has fast code. Gradients come in others, so
they are brought into that one here: 19 times as fast there (3x3, 16 to 16 channels, 64x64, batch of 8), elsewhere the
same.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.layers import folded_rows, wide_kernels
from jaxsyn.layers.folded_rows import DIMENSIONS

BLOCK = 2**19  # numbers in a block of patches: 2 MB of float32, a core's cache
LEAST_BLOCKS = 8  # fewer are as fast by `folded_rows`


class Geometry(NamedTuple):
    """How a square kernel moves over an image.

    Attributes:
        low, high: pixels of padding before and after, of height and width alike.
        dilation: distance of a kernel's taps.
        input_dilation: distance of the input's pixels, with zeros between: the stride of a transposed convolution.
    """

    stride: int = 1
    low: int = 0
    high: int = 0
    dilation: int = 1
    input_dilation: int = 1


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def correlate(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """[B, H, W, I] with a kernel [k, k, I, O] -> [B, h, w, O]. Differentiates backwards, any number of times."""
    if not _is_plain(geometry) or not _folds(x, kernel) or _is_on_a_mesh(x):
        return _native(x, kernel, geometry)
    padding = geometry.low, geometry.high
    return lax.platform_dependent(
        x,
        kernel,
        cpu=lambda x, kernel: folded_rows.convolve_rows(x, kernel, padding, padding),
        default=partial(_native, geometry=geometry),
    )


def _forward(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return correlate(x, kernel, geometry), (x, kernel)


def _backward(
    geometry: Geometry, residuals: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, kernel = residuals
    to_input, to_kernel = {"geometry": geometry, "shape": x.shape}, {"geometry": geometry, "size": kernel.shape[0]}
    native = partial(_native_input_gradient, **to_input), partial(_native_kernel_gradient, **to_kernel)
    # XLA splits its own forms over devices. Blocks cut through height, which would then have to lie on one device.
    if _is_on_a_mesh(x):
        return native[0](kernel, gradient), native[1](x, gradient)
    own = (
        partial(_input_gradient, **to_input),
        partial(_own_kernel_gradient(x, kernel, gradient, geometry), **to_kernel),
    )
    return (
        lax.platform_dependent(kernel, gradient, cpu=own[0], default=native[0]),
        lax.platform_dependent(x, gradient, cpu=own[1], default=native[1]),
    )


correlate.defvjp(_forward, _backward)


def _is_on_a_mesh(x: jax.Array) -> bool:
    return jax.typeof(x).sharding.mesh.size > 1


def _is_plain(geometry: Geometry) -> bool:
    return geometry.stride == geometry.dilation == geometry.input_dilation == 1


def _folds(x: jax.Array, kernel: jax.Array) -> bool:
    # Of one image, since an exported program does not know the size of its batch.
    return folded_rows.is_narrow(kernel.shape) and folded_rows.pays(kernel.shape, x[0, ..., 0].size)


def _own_kernel_gradient(x: jax.Array, kernel: jax.Array, gradient: jax.Array, geometry: Geometry) -> Callable:
    if geometry.dilation > 1 or geometry.stride > 1 < geometry.input_dilation:
        return _kernel_gradient
    pixels = min(gradient[..., 0].size, x[..., 0].size)
    if not folded_rows.pays(kernel.shape, pixels):
        return _kernel_gradient
    if not _is_plain(geometry):
        return _kernel_gradient_in_blocks
    numbers = pixels * kernel.shape[0] * sum(kernel.shape[2:])
    return _kernel_gradient_by_rows if numbers < LEAST_BLOCKS * BLOCK else _kernel_gradient_in_blocks


def _native(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(geometry.stride,) * 2,
        padding=((geometry.low, geometry.high),) * 2,
        lhs_dilation=(geometry.input_dilation,) * 2,
        rhs_dilation=(geometry.dilation,) * 2,
        dimension_numbers=DIMENSIONS,
    )


def _native_input_gradient(
    kernel: jax.Array, gradient: jax.Array, *, geometry: Geometry, shape: tuple[int, ...]
) -> jax.Array:
    x = jax.ShapeDtypeStruct(shape, kernel.dtype)
    (of_input,) = jax.linear_transpose(lambda x: _native(x, kernel, geometry), x)(gradient)
    return of_input


def _input_gradient(kernel: jax.Array, gradient: jax.Array, *, geometry: Geometry, shape: tuple[int, ...]) -> jax.Array:
    """The same as an ordinary convolution of the gradient."""
    if geometry.dilation == geometry.input_dilation == 1 and wide_kernels.pays(kernel.shape, gradient[..., 0].size):
        return wide_kernels.input_gradient(kernel, gradient, shape, geometry.stride, geometry.low)
    reach = geometry.dilation * (kernel.shape[0] - 1)
    low = reach - geometry.low
    return _ordinary(
        gradient,
        kernel[::-1, ::-1].swapaxes(2, 3),
        stride=geometry.input_dilation,
        low=low,
        high=[
            geometry.input_dilation * (n - 1) - geometry.stride * (m - 1) - low + reach
            for n, m in zip(shape[1:3], gradient.shape[1:3], strict=True)
        ],
        input_dilation=geometry.stride,
        dilation=geometry.dilation,
    )


def _native_kernel_gradient(x: jax.Array, gradient: jax.Array, *, geometry: Geometry, size: int) -> jax.Array:
    kernel = jax.ShapeDtypeStruct((size, size, x.shape[-1], gradient.shape[-1]), x.dtype)
    (of_kernel,) = jax.linear_transpose(lambda kernel: _native(x, kernel, geometry), kernel)(gradient)
    return of_kernel


def _kernel_gradient(x: jax.Array, gradient: jax.Array, *, geometry: Geometry, size: int) -> jax.Array:
    """The same as an ordinary convolution whose images are the channels of x, and whose kernel is the gradient."""
    if geometry.stride == 1 < geometry.input_dilation:
        return _of_mirrored(_kernel_gradient, x, gradient, geometry=geometry, size=size)
    reach = geometry.dilation * (size - 1)
    return _ordinary(
        x.transpose(3, 1, 2, 0),
        gradient.transpose(1, 2, 0, 3),
        stride=geometry.dilation,
        low=geometry.low,
        high=[
            reach + geometry.stride * (m - 1) - geometry.input_dilation * (n - 1) - geometry.low
            for n, m in zip(x.shape[1:3], gradient.shape[1:3], strict=True)
        ],
        input_dilation=geometry.input_dilation,
        dilation=geometry.stride,
    ).transpose(1, 2, 0, 3)


def _of_mirrored(
    kernel_gradient: Callable[..., jax.Array], x: jax.Array, gradient: jax.Array, *, geometry: Geometry, size: int
) -> jax.Array:
    """A transposed convolution is an ordinary one from its output to its input, with the kernel the other way round."""
    low = geometry.dilation * (size - 1) - geometry.low
    mirrored = Geometry(stride=geometry.input_dilation, low=low, dilation=geometry.dilation)
    return kernel_gradient(gradient, x, geometry=mirrored, size=size)[::-1, ::-1].swapaxes(2, 3)


def _ordinary(
    x: jax.Array, kernel: jax.Array, *, stride: int, low: int, high: list[int], input_dilation: int, dilation: int
) -> jax.Array:
    """A convolution in the one layout that XLA has fast code for on a CPU; `high` of height and width."""
    if stride == input_dilation == dilation == 1 and _folds(x, kernel):
        return folded_rows.convolve_rows(x, kernel, (low, high[0]), (low, high[1]))
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride,) * 2,
        padding=[(low, high[0]), (low, high[1])],
        lhs_dilation=(input_dilation,) * 2,
        rhs_dilation=(dilation,) * 2,
        dimension_numbers=DIMENSIONS,
    )


def _kernel_gradient_by_rows(x: jax.Array, gradient: jax.Array, *, geometry: Geometry, size: int) -> jax.Array:
    return folded_rows.kernel_gradient(x, gradient, size, geometry.low, geometry.high)


def _kernel_gradient_in_blocks(x: jax.Array, gradient: jax.Array, *, geometry: Geometry, size: int) -> jax.Array:
    if geometry.input_dilation > 1:
        return _of_mirrored(_kernel_gradient_in_blocks, x, gradient, geometry=geometry, size=size)
    return _sum_over_blocks(x, gradient, geometry.stride, geometry.low, size)


def _sum_over_blocks(x: jax.Array, gradient: jax.Array, stride: int, low: int, size: int) -> jax.Array:
    """Sum over b, p, q of x[b, stride * p + i - low, stride * q + j - low, c] gradient[b, p, q, o]: [i, j, c, o]."""
    batch, height, width, features = gradient.shape
    inputs = x.shape[-1]
    high = [stride * (n - 1) + size - low - have for n, have in zip((height, width), x.shape[1:3], strict=True)]
    x = lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (low, high[0], 0), (low, high[1], 0), (0, 0, 0)))
    most = BLOCK // (batch * width * size * size * inputs)
    rows = max(n for n in range(1, height + 1) if height % n == 0 and (n <= most or n == 1))

    def of_block(first: jax.Array | int) -> jax.Array:
        part = lax.dynamic_slice_in_dim(x, first * stride, stride * (rows - 1) + size, 1)
        taps = [
            part[:, i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
            for i in range(size)
            for j in range(size)
        ]
        patches = jnp.concatenate(taps, axis=-1).reshape(-1, size * size * inputs)
        on_block = lax.dynamic_slice_in_dim(gradient, first, rows, 1).reshape(-1, features)
        return jnp.matmul(patches.T, on_block, preferred_element_type=jnp.float32)

    if rows == height:
        total = of_block(0)
    else:
        start = jnp.zeros((size * size * inputs, features), jnp.float32)
        firsts = jnp.arange(0, height, rows)
        total, _ = lax.scan(lambda total, first: (total + of_block(first), None), start, firsts)
    return total.reshape(size, size, inputs, features).astype(x.dtype)

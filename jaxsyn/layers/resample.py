"""The resizes of the papers' tools, each axis a small static matrix of weights [out, in].

Two tools that both say "bilinear" differ in the pixel centre, in antialiasing and in rounding, and scores move with
it: FID by whole points. `jax.image.resize` offers none of TensorFlow 1's, the aligned-corner or Pillow's 8-bit rules.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

Axis = Callable[[int, int], np.ndarray]


def resample(images: jax.Array, height: int, width: int, axis: Axis) -> jax.Array:
    """Applies one of the `*_axis` rules below to both axes: [B, H, W, C] -> [B, height, width, C], float32 or wider."""
    images = images if jnp.issubdtype(images.dtype, jnp.floating) else images.astype(jnp.float32)
    highest = jax.lax.Precision.HIGHEST
    images = jnp.einsum("bhwc,vw->bhvc", images, axis(images.shape[2], width).astype(images.dtype), precision=highest)
    return jnp.einsum("bhwc,uh->buwc", images, axis(images.shape[1], height).astype(images.dtype), precision=highest)


def tensorflow1_axis(length: int, size: int) -> np.ndarray:
    """TensorFlow 1's bilinear: source i * in / out in float32, no half-pixel shift, no antialiasing."""
    source = np.arange(size, dtype=np.float32) * np.float32(length / size)
    return _interpolation(source, length)


def bilinear_axis(length: int, size: int, step: float | None = None) -> np.ndarray:
    """torch's bilinear with half-pixel centres, no antialiasing.

    step: source pixels an output pixel, in / out by default; torch takes 1 / factor where a scale factor was asked for.
    """
    source = (np.arange(size) + 0.5) * (length / size if step is None else step) - 0.5
    return _interpolation(np.maximum(source, 0), length)


def bilinear_aligned_axis(length: int, size: int) -> np.ndarray:
    """torch's bilinear with aligned corners."""
    return _interpolation(_aligned(length, size), length)


def bicubic_aligned_axis(length: int, size: int) -> np.ndarray:
    """torch's bicubic (a = -0.75) with aligned corners; may leave the range of the image."""
    source = _aligned(length, size)
    taps = np.floor(source).astype(int)[:, None] + np.arange(-1, 3)
    weights = _cubic(source[:, None] - taps, -0.75)
    matrix = np.zeros((size, length))
    np.add.at(matrix, (np.arange(size)[:, None], np.clip(taps, 0, length - 1)), weights)
    return matrix


def area_axis(length: int, size: int) -> np.ndarray:
    """torch's area resize, the same as adaptive average pooling: bin i covers floor(i n / b) .. ceil((i + 1) n / b)."""
    matrix = np.zeros((size, length))
    for i in range(size):
        start, stop = i * length // size, -(-(i + 1) * length // size)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix


def pillow_bilinear_axis(length: int, size: int) -> np.ndarray:
    """Pillow's bilinear: a triangle, widened by the scale when shrinking."""
    return _pillow(length, size, support=1.0, kernel=lambda x: np.maximum(1 - np.abs(x), 0))


def pillow_bicubic_axis(length: int, size: int) -> np.ndarray:
    """Pillow's bicubic (a = -0.5), widened by the scale when shrinking; on float images what clean-fid computes."""
    return _pillow(length, size, support=2.0, kernel=lambda x: _cubic(x, -0.5))


def resize_pillow(images: jax.Array, height: int, width: int, axis: Axis = pillow_bilinear_axis) -> jax.Array:
    """What Pillow makes of an 8-bit image: columns, then rows, each pass in fixed point and rounded to 8 bits.

    images: uint8 [B, H, W, C] -> uint8 [B, height, width, C], equal to `PIL.Image.resize` to the bit.
    """
    for dimension, size in ((2, width), (1, height)):
        if images.shape[dimension] != size:
            images = _fixed_point(images, axis(images.shape[dimension], size), dimension)
    return images


def resize_nearest_pillow(x: jax.Array, height: int, width: int) -> jax.Array:
    """Nearest neighbour as Pillow takes it, source floor((i + 0.5) * in / out).

    x: [B, H, W, ...], any dtype -> [B, height, width, ...].
    """
    for dimension, size in ((1, height), (2, width)):
        # Pillow adds up the step, whose rounding decides between neighbours where the source is a whole number.
        step = x.shape[dimension] / size
        source = np.cumsum([step / 2] + [step] * (size - 1))
        x = jnp.take(x, np.floor(source).astype(np.int32), axis=dimension)
    return x


def _aligned(length: int, size: int) -> np.ndarray:
    return np.arange(size) * ((length - 1) / (size - 1) if size > 1 else 0.0)


def _interpolation(source: np.ndarray, length: int) -> np.ndarray:
    low = np.minimum(np.floor(source).astype(int), length - 1)
    fraction = source - low
    matrix = np.zeros((len(source), length))
    rows = np.arange(len(source))
    np.add.at(matrix, (rows, low), 1 - fraction)
    np.add.at(matrix, (rows, np.minimum(low + 1, length - 1)), fraction)
    return matrix


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic convolution kernel (IEEE TASSP 1981)."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _pillow(length: int, size: int, support: float, kernel: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    scale = length / size
    widening = max(scale, 1.0)
    matrix = np.zeros((size, length))
    for i in range(size):
        centre = (i + 0.5) * scale
        start = max(int(centre - support * widening + 0.5), 0)
        stop = min(int(centre + support * widening + 0.5), length)
        weights = kernel((np.arange(start, stop) - centre + 0.5) / widening)
        matrix[i, start:stop] = weights / weights.sum()
    return matrix


def _fixed_point(images: jax.Array, matrix: np.ndarray, dimension: int) -> jax.Array:
    bits = 22
    weights = np.trunc(matrix * 2**bits + np.copysign(0.5, matrix)).astype(np.int32)
    # Integer products have no fast matrix form: sum over the few taps of a row instead.
    length = matrix.shape[1]
    taps = max(length - (row != 0).argmax() - (row[::-1] != 0).argmax() for row in weights)
    starts = np.minimum((weights != 0).argmax(1), length - taps)
    shape = [1] * images.ndim
    shape[dimension] = len(matrix)
    total = jnp.full((), 1 << (bits - 1), jnp.int32)
    for tap in range(taps):
        weight = weights[np.arange(len(matrix)), starts + tap].reshape(shape)
        total += jnp.take(images, starts + tap, axis=dimension).astype(jnp.int32) * weight
    return jnp.clip(total >> bits, 0, 255).astype(jnp.uint8)

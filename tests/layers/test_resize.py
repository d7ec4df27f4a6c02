"""Resizing and pooling by PyTorch's index rules."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import average_pool, resize_bilinear, resize_nearest, upsample_nearest

SIZES = [(8, 4), (8, 3), (3, 8), (5, 7), (7, 5), (4, 12), (256, 37), (37, 256), (9, 1), (1, 6), (6, 6), (100, 99)]


def image(height, width, channels=2):
    return np.random.default_rng(0).normal(size=(2, height, width, channels)).astype(np.float32)


def test_halving_by_nearest_neighbour_takes_the_even_pixels():
    x = jnp.arange(8)[None, :, None] * jnp.ones((1, 8, 8), int)
    np.testing.assert_array_equal(resize_nearest(x, 4, 8)[0, :, 0], [0, 2, 4, 6])


@pytest.mark.parametrize(("length", "size"), SIZES)
def test_nearest_neighbour_takes_pixel_floor_of_i_times_in_over_out(length, size):
    columns = np.broadcast_to(np.arange(length), (1, 2, length))
    expected = [i * length // size for i in range(size)]
    np.testing.assert_array_equal(resize_nearest(jnp.asarray(columns), 2, size)[0, 0], expected)
    np.testing.assert_array_equal(resize_nearest(jnp.asarray(columns.swapaxes(1, 2)), size, 2)[0, :, 0], expected)


@pytest.mark.parametrize(("length", "size"), SIZES)
def test_nearest_neighbour_equals_torchs(length, size):
    torch = pytest.importorskip("torch")
    x = image(length, 6)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), size=(size, 4))
    np.testing.assert_array_equal(resize_nearest(jnp.asarray(x), size, 4), theirs.numpy().transpose(0, 2, 3, 1))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_upsampling_and_nearest_neighbour_by_a_whole_factor_are_the_same(factor):
    x = jnp.asarray(image(3, 5))
    np.testing.assert_array_equal(upsample_nearest(x, factor), resize_nearest(x, 3 * factor, 5 * factor))


def test_bilinear_interpolates_between_pixel_centres_and_repeats_the_border():
    x = jnp.asarray([0.0, 4.0]).reshape(1, 1, 2, 1)
    np.testing.assert_allclose(resize_bilinear(x, 1, 4)[0, 0, :, 0], [0, 1, 3, 4])


def test_bilinear_does_not_smooth_when_it_shrinks():
    x = jnp.arange(8.0).reshape(1, 1, 8, 1) ** 2
    np.testing.assert_allclose(resize_bilinear(x, 1, 2)[0, 0, :, 0], [(1 + 4) / 2, (25 + 36) / 2])


@pytest.mark.parametrize("size", [(6, 9), (16, 4), (11, 11)])
def test_bilinear_equals_torchs(size):
    torch = pytest.importorskip("torch")
    x = image(8, 10)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), size=size, mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(resize_bilinear(jnp.asarray(x), *size), theirs.numpy().transpose(0, 2, 3, 1), atol=1e-5)


@pytest.mark.parametrize("options", [(3, 2, 1), (3, 1, 1), (2, 2, 0), (5, 2, 2)])
@pytest.mark.parametrize("size", [(8, 8), (7, 6)])
def test_average_pooling_divides_by_the_pixels_of_the_image_in_each_window(options, size):
    window, stride, padding = options
    x = image(*size)
    inside = np.pad(np.ones(size), padding)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    shape = [(length + 2 * padding - window) // stride + 1 for length in size]
    expected = np.zeros((2, *shape, 2))
    for i in range(shape[0]):
        for j in range(shape[1]):
            rows, columns = (slice(k * stride, k * stride + window) for k in (i, j))
            expected[:, i, j] = padded[:, rows, columns].sum((1, 2)) / inside[rows, columns].sum()
    np.testing.assert_allclose(average_pool(jnp.asarray(x), *options), expected, atol=1e-6)


def test_average_pooling_keeps_a_constant_at_the_borders_and_the_dtype():
    pooled = average_pool(jnp.full((1, 6, 5, 1), 3, jnp.bfloat16))
    assert pooled.dtype == jnp.bfloat16
    np.testing.assert_array_equal(pooled.astype(jnp.float32), np.full((1, 3, 3, 1), 3.0))

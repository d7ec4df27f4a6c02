import jax
import numpy as np
import pytest
from PIL import Image

from jaxsyn.layers import resample as r

SIZES = [(23, 40, 11, 17), (23, 40, 37, 61), (16, 16, 16, 31)]
AXES = [
    r.tensorflow1_axis,
    r.bilinear_axis,
    r.bilinear_aligned_axis,
    r.bicubic_aligned_axis,
    r.area_axis,
    r.pillow_bilinear_axis,
    r.pillow_bicubic_axis,
]


def image(height, width):
    return np.random.RandomState(0).randint(0, 256, (1, height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("axis", AXES)
def test_every_rule_keeps_a_constant_image_and_its_own_size(axis):
    for length, size in ((7, 3), (7, 19)):
        np.testing.assert_allclose(axis(length, size).sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(axis(9, 9), np.eye(9), atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("axis", "method"), [(r.pillow_bilinear_axis, Image.BILINEAR), (r.pillow_bicubic_axis, Image.BICUBIC)]
)
def test_eight_bit_images_equal_pillows_to_the_bit(size, axis, method):
    height, width, new_height, new_width = size
    pixels = image(height, width)
    expected = Image.fromarray(pixels[0]).resize((new_width, new_height), method)
    np.testing.assert_array_equal(r.resize_pillow(pixels, new_height, new_width, axis)[0], np.asarray(expected))


@pytest.mark.parametrize("size", SIZES)
def test_nearest_equals_pillows(size):
    height, width, new_height, new_width = size
    pixels = image(height, width)
    expected = Image.fromarray(pixels[0]).resize((new_width, new_height), Image.NEAREST)
    np.testing.assert_array_equal(r.resize_nearest_pillow(pixels, new_height, new_width)[0], np.asarray(expected))


def test_aligned_corners_keep_the_corners():
    pixels = image(5, 6).astype(np.float32)
    for axis in (r.bilinear_aligned_axis, r.bicubic_aligned_axis):
        resized = r.resample(pixels, 9, 13, axis)
        np.testing.assert_allclose(
            resized[:, [0, 0, -1, -1], [0, -1, 0, -1]], pixels[:, [0, 0, -1, -1], [0, -1, 0, -1]]
        )


def test_area_pooling_to_more_bins_than_pixels_repeats_pixels():
    np.testing.assert_array_equal(r.area_axis(2, 3), [[1, 0], [0.5, 0.5], [0, 1]])


def test_tensorflow_takes_no_half_pixel_shift():
    np.testing.assert_allclose(r.tensorflow1_axis(2, 4), [[1, 0], [0.5, 0.5], [0, 1], [0, 1]])


def test_resizes_can_be_jitted():
    resized = jax.jit(lambda x: r.resample(x, 8, 9, r.bilinear_axis))(image(5, 6))
    assert resized.shape == (1, 8, 9, 3)

import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.images import quantise, require_finite


def test_the_range_becomes_eight_bits_rounded_and_clipped():
    values = np.array([-1.5, -1, 0.001, 1, 7], np.float32).reshape(1, 1, 5, 1)
    np.testing.assert_array_equal(quantise(values).ravel(), [0, 0, 128, 255, 255])


def test_eight_bit_images_survive_the_round_trip():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(quantise(pixels / np.float32(127.5) - 1), pixels)


def test_nan_images_are_a_readable_error():
    images = np.zeros((3, 2, 2, 3))
    require_finite(images, "step 7")
    images[1, 0, 0, 0] = np.nan
    with pytest.raises(UserError, match="step 7: image 1 of the batch holds NaN"):
        require_finite(images, "step 7")

"""The crops of classes that SMIS's encoder reads."""

import jax
import numpy as np

from jaxsyn.layers import class_crops
from tests.arrays import integers, normal


def test_a_class_fills_the_frame_by_its_bounding_box():
    image, ids = normal(1, 8, 8, 3), np.zeros((1, 8, 8), np.int32)
    ids[0, 2:6, 4:6] = 1
    crops = np.asarray(jax.jit(class_crops, static_argnums=2)(image, ids, 3))
    assert crops.shape == (1, 8, 8, 3, 3)
    box = image[0, 2:6, 4:6]
    np.testing.assert_array_equal(crops[0, :, :, 1], box.repeat(2, axis=0).repeat(4, axis=1))
    np.testing.assert_array_equal(crops[0, :, :, 0], image[0] * (ids[0] == 0)[..., None])


def test_an_absent_class_is_zero_and_a_pixel_of_another_class_in_the_box_too():
    image, ids = np.ones((1, 4, 4, 3), np.float32), np.zeros((1, 4, 4), np.int32)
    ids[0, 0, 0] = ids[0, 3, 3] = 1
    crops = np.asarray(class_crops(image, ids, 3))
    assert not crops[..., 2, :].any()
    np.testing.assert_array_equal(crops[0, :, :, 1, 0], ids[0])


def test_rows_of_exact_zeros_at_the_ends_do_not_count():
    image, ids = np.ones((1, 4, 4, 3), np.float32), np.zeros((1, 4, 4), np.int32)
    image[0, 0] = 0
    image[0, 3] = 0
    crops = np.asarray(class_crops(image, ids, 1))
    np.testing.assert_array_equal(crops, np.ones((1, 4, 4, 1, 3)))


def test_the_box_of_any_size_is_stretched_as_torch_does():
    image = normal(2, 12, 10, 3)
    ids = integers(0, 2, 2, 12, 10)
    ids[:, :3], ids[:, :, 7:] = 0, 0
    crops = np.asarray(class_crops(image, ids, 2))
    for sample in range(2):
        rows, columns = (np.flatnonzero((ids[sample] == 1).any(axis)) for axis in (1, 0))
        masked = image[sample] * (ids[sample] == 1)[..., None]
        box = masked[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        y, x = (
            np.floor(np.arange(n) * np.float32(b / n)).astype(int) for n, b in zip((12, 10), box.shape, strict=False)
        )
        np.testing.assert_array_equal(crops[sample, :, :, 1], box[y][:, x])

import numpy as np

from jaxsyn.layers import pixel_shuffle


def test_neighbouring_channels_become_a_square_row_by_row():
    x = np.arange(8.0).reshape(1, 1, 1, 8)
    np.testing.assert_array_equal(pixel_shuffle(x)[0, ..., 0], [[0, 1], [2, 3]])
    np.testing.assert_array_equal(pixel_shuffle(x)[0, ..., 1], [[4, 5], [6, 7]])


def test_pixels_keep_their_places():
    x = np.broadcast_to(np.arange(6.0).reshape(1, 2, 3, 1), (1, 2, 3, 4))
    np.testing.assert_array_equal(pixel_shuffle(x)[0, ..., 0], np.arange(6.0).reshape(2, 3).repeat(2, 0).repeat(2, 1))

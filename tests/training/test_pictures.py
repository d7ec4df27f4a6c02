"""Grids of input, output and truth."""

import jax
import numpy as np

from jaxsyn.training.mesh import make_mesh
from jaxsyn.training.pictures import GAP, Pictures, grid, to_uint8
from tests.training.toy import SIZE, Toy, toy_config, toy_state


def test_the_range_of_images_becomes_that_of_bytes():
    np.testing.assert_array_equal(to_uint8(np.asarray([-1.0, 0.0, 1.0, -7.0, 7.0])), [0, 128, 255, 0, 255])


def test_every_byte_survives_the_way_there_and_back():
    pixels = np.arange(256)
    np.testing.assert_array_equal(to_uint8(pixels / 127.5 - 1), pixels)


def test_a_grid_has_a_row_a_record_and_a_column_a_kind():
    columns = [np.full((3, 4, 5, 3), value, np.uint8) for value in (10, 20)]
    columns[1][2] = 30
    picture = grid(columns)
    assert picture.shape == (3 * 4 + 2 * GAP, 2 * 5 + GAP, 3)
    assert (picture[:4, :5] == 10).all()
    assert (picture[:4, 5 + GAP :] == 20).all()
    assert (picture[2 * (4 + GAP) :, 5 + GAP :] == 30).all()
    assert (picture[4 : 4 + GAP] == 255).all()
    assert (picture[:, 5 : 5 + GAP] == 255).all()


def test_a_run_shows_label_map_output_and_truth_the_same_at_every_call():
    method = Toy(toy_config(**{"mesh.data": 1}))
    state = toy_state(method)
    pictures = Pictures(method, method.config, make_mesh(method.config))
    picture = pictures(state)
    np.testing.assert_array_equal(picture, pictures(state))
    assert picture.dtype == np.uint8
    assert picture.shape[1] == 3 * SIZE + 2 * GAP
    # The toy's generator is the identity at scale one.
    one = state.replace(params={**state.params, "generator": {"scale": jax.numpy.float32(1)}})
    shown = pictures(one)
    np.testing.assert_array_equal(shown[:, SIZE + GAP : 2 * SIZE + GAP], shown[:, 2 * (SIZE + GAP) :])

"""Masks of faces; their numbers are held by tests/parity."""

import numpy as np
import pytest

from jaxsyn.layers.landmark_masks import enlarge_heatmaps, landmark_masks

ROW, COLUMN = 120, 30


def masks_of(landmark):
    """The two masks of heat maps that show one point of one landmark, and the rows where they are not zero."""
    heatmaps = np.zeros((1, 256, 256, 98), np.float32)
    heatmaps[0, ROW, COLUMN, landmark] = 0.5
    masks = np.asarray(landmark_masks(heatmaps))[0]
    assert set(np.nonzero(masks)[1]) <= {COLUMN}
    return masks, [sorted(np.flatnonzero(masks[:, COLUMN, i])) for i in range(2)]


@pytest.mark.parametrize(
    ("landmark", "rows", "inner"),
    [
        (16, [ROW], False),  # chin
        (40, [ROW + 7], False),  # eyebrow
        (53, [ROW - 4], True),  # tip of the nose
        (57, [ROW - 8], True),  # nostril
        (65, [ROW + 8, ROW + 24], True),  # eye
        (79, [ROW + 8], False),  # upper lip
        (97, [ROW], True),  # pupil
    ],
)
def test_parts_of_the_face_move_and_the_second_mask_has_its_middle_alone(landmark, rows, inner):
    _, found = masks_of(landmark)
    assert found == [rows, rows if inner else []]


@pytest.mark.parametrize("landmark", [3, 30, 33, 46, 76, 82])
def test_cheeks_and_corners_are_left_out(landmark):
    assert not masks_of(landmark)[0].any()


def test_faint_heat_is_none():
    assert not np.asarray(landmark_masks(np.full((1, 256, 256, 98), 0.05, np.float32))).any()


def test_the_corners_of_enlarged_maps_are_those_of_the_maps():
    maps = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    large = np.asarray(enlarge_heatmaps(maps, 7))[0, ..., 0]
    np.testing.assert_allclose(large[::6, ::6], [[0, 3], [12, 15]])
    np.testing.assert_allclose(large[0], np.arange(7) / 2, atol=1e-6)

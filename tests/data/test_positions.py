"""Position maps by their definition, and how they go through resizing and flipping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsyn.data import position_map
from jaxsyn.data.transforms import Preprocess


def blobs(seed, height=16, width=24):
    """A label map of some larger regions of classes 0 to 3."""
    coarse = np.random.default_rng(seed).integers(0, 4, (height // 4, width // 4))
    return np.kron(coarse, np.ones((4, 4), int)).astype(np.uint8)


def test_offsets_are_measured_from_the_centroid_and_divided_by_the_largest_along_each_axis():
    label = np.zeros((5, 7), np.uint8)
    label[1:4, 2:7] = 3
    pixels, positions = position_map(label, normalized=False), position_map(label)
    np.testing.assert_array_equal(pixels[1:4, 2:7, 0], np.repeat([[-1], [0], [1]], 5, axis=1))
    np.testing.assert_array_equal(pixels[1:4, 2:7, 1], np.tile([-2, -1, 0, 1, 2], (3, 1)))
    np.testing.assert_allclose(positions[1:4, 2:7, 1], np.tile([-1, -0.5, 0, 0.5, 1], (3, 1)), atol=1e-4)
    assert positions.dtype == np.float32


def test_regions_of_one_class_have_positions_of_their_own_and_corners_connect():
    label = np.zeros((6, 8), np.uint8)
    label[0, 0] = label[1, 1] = 1  # one region, by its corner
    label[4, 5:8] = 1  # another
    pixels = position_map(label, normalized=False)
    np.testing.assert_array_equal(pixels[[0, 1], [0, 1]], [[-0.5, -0.5], [0.5, 0.5]])
    np.testing.assert_array_equal(pixels[4, 5:8, 1], [-1, 0, 1])


def test_the_skipped_class_has_no_positions():
    label = blobs(0)
    assert not position_map(label)[label == 0].any()
    assert position_map(label, skipped_class=None)[label == 0].any()
    assert not position_map(label, skipped_class=2)[label == 2].any()


def test_a_region_of_one_pixel_is_its_own_centre():
    label = np.zeros((3, 3), np.int32)
    label[1, 1] = 300
    assert not position_map(label).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_positions_stay_inside_one_and_every_region_is_centred(seed):
    label = blobs(seed)
    positions = position_map(label)
    assert np.abs(positions).max() < 1
    for value in range(1, 4):  # the regions of a class together have mean 0 in pixels
        pixels = position_map(label, normalized=False)[label == value]
        np.testing.assert_allclose(pixels.mean(axis=0, dtype=np.float64), 0, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_picture_has_the_positions_of_its_mirrored_label_map(seed):
    label = blobs(seed)
    image = np.zeros((*label.shape, 3), np.uint8)
    record = {"image": image, "label": label, "position": position_map(label), "name": "blobs"}
    mirrored = 0
    for draw in range(8):
        out = Preprocess("fixed", *label.shape, 0, True).random(record, np.random.default_rng(draw))
        mirrored += not np.array_equal(out["label"], label)
        np.testing.assert_allclose(out["position"], position_map(out["label"]), atol=1e-6)
    assert mirrored


def test_a_resized_picture_keeps_each_label_s_position():
    label = blobs(1, 20, 28)
    # A map that names its label: its rows hold the class.
    positions = np.stack([label, label], axis=-1).astype(np.float32)
    record = {"image": np.zeros((20, 28, 3), np.uint8), "label": label, "position": positions, "name": "blobs"}
    out = Preprocess("resize_and_crop", 8, 8, 13, False).random(record, np.random.default_rng(0))
    np.testing.assert_array_equal(out["position"][..., 0], out["label"])
    assert out["position"].dtype == np.float32

"""Random windows of training pictures."""

import numpy as np

from jaxsyn.data.random_window import RandomWindow
from jaxsyn.data.transforms import Preprocess

RANGES = ((0.8, 1.0), (0.9, 1.1))


def test_windows_lie_in_the_picture_with_area_and_aspect_ratio_in_their_ranges():
    rng, window = np.random.default_rng(0), RandomWindow(1.0, *RANGES)
    shares = set()
    for _ in range(50):
        rows, columns = window.draw(100, 104, rng)
        assert 0 <= rows.start < rows.stop <= 100
        assert 0 <= columns.start < columns.stop <= 104
        height, width = rows.stop - rows.start, columns.stop - columns.start
        assert 0.89 < width / height < 1.11
        shares.add(height * width / (100 * 104))
    assert 0.79 < min(shares) < 0.85
    assert 0.95 < max(shares) < 1.01


def test_a_picture_that_no_window_fits_into_keeps_its_middle():
    window = RandomWindow(1.0, *RANGES)
    assert window.draw(100, 200, np.random.default_rng(0)) == (slice(0, 100), slice(45, 155))
    assert window.draw(220, 90, np.random.default_rng(0)) == (slice(60, 160), slice(0, 90))


def test_as_many_pictures_stay_whole_as_the_share_says():
    rng, window = np.random.default_rng(0), RandomWindow(0.25, *RANGES)
    cut = [window.draw(64, 64, rng) != (slice(0, 64), slice(0, 64)) for _ in range(400)]
    assert 0.18 < np.mean(cut) < 0.32


def test_training_cuts_and_resizes_and_evaluation_does_not():
    rows, columns = np.mgrid[:64, :64]
    record = {"image": np.stack([rows, columns, rows], -1).astype(np.uint8), "label": rows, "name": "x"}
    geometry = Preprocess("fixed", 64, 64, 0, False, RandomWindow(1.0, (0.5, 0.5), (1.0, 1.0)))
    cut = geometry.random(record, np.random.default_rng(0))
    assert cut["image"].shape == (64, 64, 3)
    assert np.ptp(cut["label"]) == 44
    assert np.ptp(geometry.centre(record)["label"]) == 63

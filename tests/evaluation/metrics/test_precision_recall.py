import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics import precision_recall as pr


def normal(count, seed=0, shift=0.0):
    return (np.random.RandomState(seed).standard_normal((count, 4)) + shift).astype(np.float32)


def distances(rows, columns):
    return np.linalg.norm(rows[:, None].astype(np.float64) - columns, axis=-1)


def test_the_radius_is_the_distance_to_the_kth_neighbour():
    features = normal(20)
    np.testing.assert_allclose(pr.neighbour_radii(features, 3), np.sort(distances(features, features))[:, 3], rtol=1e-4)


def test_tiles_of_any_size_give_the_same_numbers(monkeypatch):
    real, fake = normal(23), normal(17, 1, 0.5)
    whole = pr.precision_recall(real, fake)
    monkeypatch.setattr(pr, "TILE", 5)
    assert pr.precision_recall(real, fake) == pytest.approx(whole)


def test_a_set_covers_itself():
    features = normal(12)
    found = pr.precision_recall(features, features)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_distant_fakes_have_neither_precision_nor_recall():
    found = pr.precision_recall(normal(12), normal(12, 1, 100.0))
    assert (found.precision, found.recall, found.f_score, found.density) == (0, 0, 0, 0)


def test_fakes_on_one_real_image_are_precise_but_recall_little():
    real = normal(30)
    fake = real[:1] + 1e-3 * normal(30, 1)
    found = pr.precision_recall(real, fake)
    assert found.precision == 1
    assert found.recall <= 2 / 30


def test_features_far_from_the_origin_keep_their_distances():
    features = normal(10, shift=1e4)
    np.testing.assert_allclose(pr.neighbour_radii(features, 1), np.sort(distances(features, features))[:, 1], rtol=1e-3)


def test_nearest_neighbours_tell_distant_sets_apart():
    assert pr.nearest_neighbour_accuracy(normal(10), normal(10, 1, 50.0)) == (1, 1, 1)


def test_too_few_images_are_a_readable_error():
    with pytest.raises(UserError, match="more than 3 images, found 3"):
        pr.precision_recall(normal(3), normal(9))

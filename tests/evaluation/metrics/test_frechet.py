import numpy as np
import pytest
from scipy import linalg

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics.frechet import FeatureStatistics, frechet, frechet_distance


def gathered(features, batch=7):
    statistics = FeatureStatistics(features.shape[1])
    for start in range(0, len(features), batch):
        statistics.update(features[start : start + batch])
    return statistics


def normal(count, dimension, seed=0):
    return np.random.RandomState(seed).standard_normal((count, dimension)).astype(np.float32)


def test_batches_give_the_moments_of_the_whole_set():
    features = normal(40, 5) + 100
    statistics = gathered(features)
    np.testing.assert_allclose(statistics.mean, features.astype(np.float64).mean(0), rtol=1e-12)
    np.testing.assert_allclose(statistics.covariance, np.cov(features.astype(np.float64).T), rtol=1e-9)


def test_padding_rows_do_not_count():
    features = normal(10, 4)
    padded = FeatureStatistics(4)
    padded.update(np.concatenate([features, np.full((3, 4), 9e9)]), mask=np.arange(13) < 10)
    assert padded.count == 10
    np.testing.assert_allclose(padded.covariance, gathered(features).covariance)


def test_merged_shards_equal_one_pass():
    features = normal(30, 4)
    merged = gathered(features[:11])
    merged.merge(gathered(features[11:]))
    np.testing.assert_allclose(merged.covariance, gathered(features).covariance, rtol=1e-12)


def test_the_distance_equals_the_matrix_square_root_where_that_is_stable():
    real, fake = gathered(normal(50, 6)), gathered(2 * normal(60, 6, seed=1) + 0.5)
    root = linalg.sqrtm(real.covariance @ fake.covariance).real
    expected = np.sum((real.mean - fake.mean) ** 2) + np.trace(real.covariance + fake.covariance - 2 * root)
    assert frechet(real, fake).value == pytest.approx(expected, rel=1e-10)


def test_diagonal_covariances_have_a_closed_form_even_when_singular():
    first, second = np.array([4.0, 0.0, 1e-14]), np.array([1.0, 9.0, 0.0])
    _, covariance_term = frechet_distance(np.zeros(3), np.diag(first), np.zeros(3), np.diag(second))
    assert covariance_term == pytest.approx(np.sum((np.sqrt(first) - np.sqrt(second)) ** 2), rel=1e-6)


def test_a_set_is_at_distance_zero_from_itself_with_fewer_images_than_features():
    statistics = gathered(normal(8, 40))
    result = frechet(statistics, statistics)
    assert abs(result.value) < 1e-10
    assert "8 images for 40 features" in result.note


def test_the_offset_changes_singular_distances():
    real, fake = gathered(normal(8, 40)), gathered(normal(8, 40, seed=1))
    moments = (real.mean, real.covariance, fake.mean, fake.covariance)
    assert sum(frechet_distance(*moments, offset=1e-6)) < sum(frechet_distance(*moments)) - 1e-4


def test_one_image_is_a_readable_error():
    with pytest.raises(UserError, match="at least 2 images, found 1"):
        frechet(gathered(normal(1, 3)), gathered(normal(5, 3)))


def test_nan_features_are_a_readable_error():
    with pytest.raises(UserError, match="NaN"):
        gathered(np.full((3, 2), np.nan))

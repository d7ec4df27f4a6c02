import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics.kernel_distance import kid, mmd2, mmd2_variance, polynomial_kernel


def normal(count, seed, shift=0.0):
    return np.random.RandomState(seed).standard_normal((count, 6)).astype(np.float32) + shift


def kernels(x, y):
    return [np.asarray(polynomial_kernel(a, b), np.float64) for a, b in ((x, x), (y, y), (x, y))]


def test_the_unbiased_estimate_equals_its_sum_over_pairs():
    x, y = normal(5, 0), normal(5, 1)

    def kernel(a, b):
        return (np.float64(a) @ np.float64(b) / 6 + 1) ** 3

    within = sum(kernel(s[i], s[j]) for s in (x, y) for i in range(5) for j in range(5) if i != j) / 20
    across = sum(kernel(a, b) for a in x for b in y) / 25
    assert mmd2(*kernels(x, y)) == pytest.approx(within - 2 * across, rel=1e-5)


def test_the_biased_distance_of_a_set_to_itself_is_zero():
    x = normal(8, 0)
    assert mmd2(*kernels(x, x), "biased") == pytest.approx(0, abs=1e-9)
    assert mmd2(*kernels(x, x), "u_statistic") == pytest.approx(0, abs=1e-9)


def test_equal_distributions_are_nearer_than_shifted_ones():
    same, shifted = kid(normal(80, 0), normal(80, 1), 10, 40), kid(normal(80, 0), normal(80, 1, 0.5), 10, 40)
    assert abs(same.mean) < 0.2 * shifted.mean


def test_the_estimated_variance_is_that_of_repeated_draws():
    draws = [kernels(normal(30, 2 * i), normal(30, 2 * i + 1, 0.5)) for i in range(60)]
    observed = np.var([mmd2(*drawn) for drawn in draws])
    estimated = np.mean([mmd2_variance(*drawn) for drawn in draws])
    assert 0.5 < estimated / observed < 2


def test_small_sets_cut_the_subsets_and_say_so():
    found = kid(normal(9, 0), normal(30, 1), subsets=2)
    assert found.subset_size == 9
    assert "subsets of 9 images, not 1000" in found.note


def test_one_image_is_a_readable_error():
    with pytest.raises(UserError, match="at least 2 images"):
        kid(normal(1, 0), normal(5, 1))

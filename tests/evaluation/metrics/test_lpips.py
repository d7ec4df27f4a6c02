import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.evaluation.metrics.class_diversity import class_diversity, keep_region, region_mean, sample_pairs
from jaxsyn.evaluation.metrics.lpips import linear_template, linear_weights, lpips, lpips_layers, lpips_map


def taps(seed):
    draw = np.random.RandomState(seed)
    return [jnp.asarray(np.maximum(draw.standard_normal((2, 4, 6, c)), 0), jnp.float32) for c in (3, 5)]


LINEAR = [jnp.array([1.0, 2.0, 0.5]), jnp.ones(5)]


def test_an_image_is_at_distance_zero_from_itself():
    np.testing.assert_allclose(lpips(taps(0), taps(0), LINEAR), 0, atol=1e-7)


def test_the_distance_is_the_weighted_squared_difference_of_unit_vectors():
    first, second = (np.asarray(x[0][0, 1, 2], np.float64) for x in (taps(0), taps(1)))
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    found = lpips_layers([taps(0)[0][:1, 1:2, 2:3]], [taps(1)[0][:1, 1:2, 2:3]], LINEAR[:1])
    assert found[0, 0] == pytest.approx(np.sum(np.asarray(LINEAR[0]) * (first - second) ** 2), rel=1e-5)


def test_brightness_of_features_does_not_matter():
    np.testing.assert_allclose(lpips(taps(0), [3 * x for x in taps(0)], LINEAR), 0, atol=1e-6)


def test_the_map_averages_to_the_distance_where_nothing_is_resized():
    found = lpips_map(taps(0), taps(1), LINEAR, 4, 6)
    np.testing.assert_allclose(found.mean((1, 2)), lpips(taps(0), taps(1), LINEAR), rtol=1e-5)


def test_the_gradient_is_finite_where_all_channels_are_off():
    dead = [x.at[:, 0].set(0) for x in taps(0)]
    gradient = jax.grad(lambda x: lpips([x, dead[1]], taps(1), LINEAR).sum())(dead[0])
    assert np.isfinite(gradient).all()


def test_linear_weights_follow_the_template():
    variables = jax.tree.map(lambda leaf: jnp.ones(leaf.shape), linear_template((3, 5)))
    assert [weights.shape for weights in linear_weights(variables)] == [(3,), (5,)]


def test_a_region_confines_images_and_maps():
    region = np.zeros((1, 2, 2), bool)
    region[0, 0, 1] = True
    np.testing.assert_array_equal(keep_region(np.ones((1, 2, 2, 3)), region)[0, :, :, 0], [[0, 1], [0, 0]])
    np.testing.assert_allclose(region_mean(np.array([[[1.0, 2.0], [3.0, 4.0]]]), region), 2)


def test_class_diversity_averages_pairs_then_classes():
    found = class_diversity(np.array([[1.0, 3.0], [5.0, 7.0]]), np.array([[0.0, 1.0], [2.0, 3.0]]))
    assert found == (4.0, 1.5)


def test_sampled_pairs_differ_and_repeat_with_the_seed():
    pairs = sample_pairs(6, 10, seed=1)
    assert len({tuple(pair) for pair in pairs}) == 10
    assert (pairs[:, 0] < pairs[:, 1]).all()
    np.testing.assert_array_equal(pairs, sample_pairs(6, 10, seed=1))

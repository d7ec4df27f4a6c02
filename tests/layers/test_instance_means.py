"""Means over instances."""

import jax
import numpy as np

from jaxsyn.layers import instance_areas, instance_means
from tests.arrays import integers, normal

INSTANCE, FEATURES = integers(0, 4, 2, 6, 5), normal(2, 6, 5, 3)


def test_each_instance_has_the_mean_over_its_pixels_in_its_own_image():
    means = jax.jit(instance_means, static_argnums=2)(FEATURES, INSTANCE, 4)
    for image in range(2):
        for number in range(4):
            expected = FEATURES[image][INSTANCE[image] == number].mean(0)
            np.testing.assert_allclose(means[image, number], expected, atol=1e-6)


def test_numbers_without_pixels_are_zero_and_pixels_of_other_numbers_count_for_none():
    instance = np.where(INSTANCE == 0, -1, np.where(INSTANCE == 1, 9, INSTANCE))
    assert not instance_means(FEATURES, instance, 4)[:, :2].any()
    areas = instance_areas(instance, 4)
    np.testing.assert_array_equal(areas, [[(one == k).sum() for k in range(4)] for one in instance])


def test_the_gradient_of_a_mean_reaches_every_pixel_alike():
    gradient = jax.grad(lambda x: instance_means(x, INSTANCE, 4)[0, 2, 0])(FEATURES)
    inside = INSTANCE[0] == 2
    np.testing.assert_allclose(gradient[0, ..., 0], inside / inside.sum(), atol=1e-6)
    assert not gradient[1].any()

"""Distances in pixels, in a discriminator's features and in a feature network's."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.losses.reconstruction import feature_matching, mean_absolute, perceptual

SHAPES = [(2, 8, 8, 3), (2, 4, 4, 6), (2, 5, 5, 1)]


def features(value, scales=2):
    return [[jnp.full(shape, value) for shape in SHAPES] for _ in range(scales)]


def test_feature_matching_adds_up_layers_and_averages_discriminators():
    # Three layers that differ by 3 in each of two discriminators.
    np.testing.assert_allclose(feature_matching(features(1.0), features(4.0)), 3 * 3)
    np.testing.assert_allclose(feature_matching(features(1.0, 1), features(4.0, 1)), 3 * 3)


def test_without_features_there_is_nothing_to_match():
    assert feature_matching([[], []], [[], []]) == 0


def test_real_features_are_constants():
    assert not any(leaf.any() for leaf in jax.tree.leaves(jax.grad(feature_matching, 1)(features(1.0), features(4.0))))
    assert jax.grad(feature_matching)(features(1.0), features(4.0))[0][0].any()
    image = jnp.ones((1, 2, 2, 3))
    distance = jax.grad(lambda fake, real: perceptual(lambda x: [x], fake, real, [1.0]), argnums=(0, 1))
    on_fake, on_real = distance(image, -image)
    assert on_fake.any()
    assert not on_real.any()


def test_the_perceptual_loss_weighs_taps():
    taps = [jnp.float32(1), jnp.float32(2), jnp.float32(4), jnp.float32(8), jnp.float32(16)]

    def network(x):
        return [tap * x for tap in taps]

    loss = perceptual(network, jnp.ones((1, 2, 2, 3)), jnp.zeros((1, 2, 2, 3)), (1 / 32, 1 / 16, 0, 1 / 4, 1))
    np.testing.assert_allclose(loss, 1 / 32 + 2 / 16 + 8 / 4 + 16)


def test_the_mean_absolute_difference_is_a_distance():
    x, y = jnp.asarray([1.0, -2.0, 3.0]), jnp.asarray([0.0, 0.0, 5.0])
    np.testing.assert_allclose(mean_absolute(x, y), 5 / 3)
    np.testing.assert_allclose(mean_absolute(y, x), 5 / 3)
    assert mean_absolute(x, x) == 0

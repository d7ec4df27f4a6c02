"""The objective of a segmenting discriminator, by its definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.losses.segmentation import (
    class_cross_entropy,
    class_weights,
    fake_cross_entropy,
    labelmix_consistency,
    labelmix_mask,
    mix,
)
from tests.arrays import integers, normal

# Class 2 is absent; classes 0, 1 and 3 have 2, 4 and 6 of 12 pixels.
LABEL = jnp.asarray([[[0, 0, 1, 1], [1, 1, 3, 3], [3, 3, 3, 3]]])


def test_every_class_that_is_present_weighs_the_same_in_all():
    weights = class_weights(LABEL, 4)
    np.testing.assert_allclose(weights, [2, 1, 0, 12 / 18], rtol=1e-6)
    totals = [float(weights[c] * (c == LABEL).sum()) for c in (0, 1, 3)]
    np.testing.assert_allclose(totals, [4, 4, 4], rtol=1e-6)


def test_unlabelled_pixels_weigh_nothing_and_count_among_all():
    weights = class_weights(LABEL, 4, dont_care=True)
    np.testing.assert_allclose(weights, [0, 12 / 8, 0, 12 / 12], rtol=1e-6)


def test_a_batch_without_labels_has_a_finite_loss():
    label = jnp.zeros((1, 2, 2), jnp.int32)
    weights = class_weights(label, 4, dont_care=True)
    assert class_cross_entropy(normal(1, 2, 2, 5), label, weights) == 0


def test_the_cross_entropy_counts_classes_from_one_and_means_over_all_pixels():
    logits = normal(1, 3, 4, 5)
    log_likelihood = np.log(np.asarray(jax.nn.softmax(logits)))
    picked = np.take_along_axis(log_likelihood, np.asarray(LABEL)[..., None] + 1, axis=-1)[..., 0]
    assert class_cross_entropy(logits, LABEL) == pytest.approx(-picked.mean(), rel=1e-5)
    weights = jnp.asarray([1.0, 2.0, 7.0, 0.5])
    weighted = -(np.asarray(weights)[np.asarray(LABEL)] * picked).mean()
    assert class_cross_entropy(logits, LABEL, weights) == pytest.approx(weighted, rel=1e-5)
    assert fake_cross_entropy(logits) == pytest.approx(-log_likelihood[..., 0].mean(), rel=1e-5)


def visited_in_order(draws, label):
    """LabelMix's mask as a program that overwrites the label map would make it."""
    mask = np.array(label)
    for number in np.unique(label):
        mask[mask == number] = draws[number]
    return mask[..., None]


@pytest.mark.parametrize("with_class_1", [True, False])
def test_the_mask_is_that_of_draws_written_into_the_label_map(with_class_1):
    label = integers(0, 4, 2, 6, 6, seed=3)
    label = label if with_class_1 else np.where(label == 1, 2, label)
    for bits in np.ndindex(2, 2, 2, 2):
        ours = labelmix_mask(jnp.asarray(bits, bool), jnp.asarray(label))
        np.testing.assert_array_equal(ours, visited_in_order(bits, label), err_msg=str(bits))


def test_mixed_images_are_real_where_the_mask_is_one():
    mask = jnp.asarray([1.0, 0.0]).reshape(1, 1, 2, 1)
    real, fake = normal(1, 1, 2, 3), normal(1, 1, 2, 3, seed=1)
    mixed = mix(mask, real, fake)
    np.testing.assert_array_equal(mixed[:, :, 0], real[:, :, 0])
    np.testing.assert_array_equal(mixed[:, :, 1], fake[:, :, 1])


def test_logits_that_mix_as_the_images_do_are_consistent():
    mask = labelmix_mask(jnp.asarray([True, False, True, False]), LABEL)
    on_real, on_fake = normal(1, 3, 4, 5), normal(1, 3, 4, 5, seed=1)
    mixed = mix(mask, on_real, on_fake)
    assert labelmix_consistency(mask, on_real, on_fake, mixed) == 0
    assert labelmix_consistency(mask, on_real, on_fake, mixed + 2) == pytest.approx(4, rel=1e-5)

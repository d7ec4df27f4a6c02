"""Objectives of classifiers of whole images by their definitions."""

import jax.numpy as jnp
import numpy as np

from jaxsyn.losses.classification import attribute_loss, domain_loss

LOGITS = np.asarray([[2.0, -1.0, 0.0], [0.5, 0.0, -3.0]], np.float32)


def test_attributes_cost_the_sum_over_attributes_and_the_mean_over_images():
    attributes = np.asarray([[1, 0, 0], [0, 1, 1]], np.int32)
    signed = np.where(attributes, LOGITS, -LOGITS)
    np.testing.assert_allclose(attribute_loss(LOGITS, attributes), np.log1p(np.exp(-signed)).sum() / 2, rtol=1e-5)


def test_domains_cost_their_negative_log_likelihood():
    probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    expected = -np.log([probabilities[0, 2], probabilities[1, 0]]).mean()
    np.testing.assert_allclose(domain_loss(LOGITS, jnp.asarray([2, 0])), expected, rtol=1e-5)

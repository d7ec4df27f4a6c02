"""Dropout that draws whenever it is given randomness."""

import jax
import numpy as np

from jaxsyn.layers import Dropout
from tests.arrays import normal

X = normal(2, 8, 8, 16)


def test_without_randomness_it_passes_its_input():
    np.testing.assert_array_equal(Dropout().apply({}, X), X)


def test_what_it_keeps_makes_up_for_what_it_drops():
    y = np.asarray(Dropout(0.25).apply({}, X, rngs={"dropout": jax.random.key(0)}))
    kept = y != 0
    assert abs(kept.mean() - 0.75) < 0.05
    np.testing.assert_allclose(y[kept], X[kept] / 0.75, rtol=1e-6)


def test_the_key_decides_what_is_dropped():
    first, again, other = (Dropout().apply({}, X, rngs={"dropout": jax.random.key(seed)}) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (np.asarray(first) != np.asarray(other)).any()


def test_a_given_mask_takes_the_place_of_the_draw():
    mask = np.zeros(X.shape, np.uint8)
    mask[:, ::2] = 1
    y = np.asarray(Dropout().apply({"dropout": {"mask": mask}}, X, rngs={"dropout": jax.random.key(0)}))
    np.testing.assert_array_equal(y, 2 * X * mask)

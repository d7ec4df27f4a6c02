"""Initialisations have the standard deviations of PyTorch's."""

import jax
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import initializer

SHAPE = (3, 3, 40, 120)
FAN_IN, FAN_OUT = 9 * 40, 9 * 120
DEVIATIONS = {
    "xavier": 0.5 * np.sqrt(2 / (FAN_IN + FAN_OUT)),
    "xavier_uniform": np.sqrt(2 / (FAN_IN + FAN_OUT)),
    "normal": 0.5,
    "kaiming": np.sqrt(2 / FAN_IN),
    "lecun_uniform": 1 / np.sqrt(3 * FAN_IN),
}


@pytest.mark.parametrize("kind", DEVIATIONS)
def test_kernels_have_mean_zero_and_the_deviation_of_their_kind(kind):
    kernel = np.asarray(initializer(kind, gain=0.5)(jax.random.key(0), SHAPE))
    np.testing.assert_allclose(kernel.std(), DEVIATIONS[kind], rtol=0.02)
    assert abs(kernel.mean()) < 0.02 * kernel.std()


@pytest.mark.parametrize("kind", ["xavier_uniform", "lecun_uniform"])
def test_uniform_kinds_end_at_the_square_root_of_three_deviations(kind):
    kernel = np.asarray(initializer(kind)(jax.random.key(0), SHAPE))
    np.testing.assert_allclose(np.abs(kernel).max(), np.sqrt(3) * DEVIATIONS[kind], rtol=0.01)


@pytest.mark.parametrize("kind", ["xavier", "normal", "kaiming"])
def test_normal_kinds_have_tails(kind):
    kernel = np.asarray(initializer(kind, gain=0.5)(jax.random.key(0), SHAPE))
    assert np.abs(kernel).max() > 3.5 * kernel.std()


def test_orthogonal_kernels_have_orthogonal_outputs_of_length_gain():
    matrix = np.asarray(initializer("orthogonal", gain=0.5)(jax.random.key(0), (3, 3, 4, 8))).reshape(-1, 8)
    np.testing.assert_allclose(matrix.T @ matrix, 0.25 * np.eye(8), atol=1e-5)


def test_an_unknown_kind_is_an_error_that_lists_the_kinds():
    with pytest.raises(UserError, match=r"model\.init = 'glorot' .*xavier"):
        initializer("glorot")

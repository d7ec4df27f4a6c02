"""Activations by name."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import Activation

X = jnp.asarray([-2.0, 0.0, 3.0])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("relu", [0, 0, 3]),
        ("leaky_relu", [-0.4, 0, 3]),
        ("selu", [1.6732632 * 1.0507010 * (np.exp(-2) - 1), 0, 3 * 1.0507010]),
        ("tanh", np.tanh([-2, 0, 3])),
        ("none", [-2, 0, 3]),
    ],
)
def test_an_activation_is_what_its_name_says(kind, expected):
    np.testing.assert_allclose(Activation(kind).apply({}, X), expected, rtol=1e-5)


def test_the_slope_of_prelu_is_a_parameter():
    y = Activation("prelu").apply({"params": {"slope": jnp.asarray([0.5])}}, X)
    np.testing.assert_allclose(y, [-1, 0, 3])


def test_an_unknown_activation_is_an_error():
    with pytest.raises(UserError, match=r"activation 'gelu' is not known; choose one of relu, .*, prelu"):
        Activation("gelu").apply({}, X)

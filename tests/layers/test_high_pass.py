"""The high-pass filter and its variable."""

import jax
import numpy as np

from jaxsyn.layers.high_pass import HighPass
from tests.arrays import normal


def test_each_pixel_is_eight_times_itself_less_its_neighbours():
    x, layer = normal(2, 5, 4, 3), HighPass(2.0)
    y = np.asarray(layer.apply(layer.init(jax.random.key(0), x), x))
    centre = 8 * x[:, 1:4, 1:3] - (sum(x[:, i : i + 3, j : j + 2] for i in range(3) for j in range(3)) - x[:, 1:4, 1:3])
    np.testing.assert_allclose(y[:, 1:4, 1:3], centre / 2, rtol=1e-5, atol=1e-5)
    corner = 8 * x[:, 0, 0] - x[:, 0, 1] - x[:, 1, 0] - x[:, 1, 1]
    np.testing.assert_allclose(y[:, 0, 0], corner / 2, rtol=1e-5, atol=1e-5)


def test_the_filter_is_a_constant_and_no_parameter():
    variables = HighPass(0.5).init(jax.random.key(0), normal(1, 3, 3, 1))
    assert "params" not in variables
    np.testing.assert_array_equal(np.diag(variables["constants"]["filter"]), [-2, 16, -2])

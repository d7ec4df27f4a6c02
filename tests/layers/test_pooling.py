import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers.pooling import max_pool_ceil


@pytest.mark.parametrize(("size", "padding", "expected"), [(6, 0, 3), (7, 0, 3), (8, 0, 4), (7, 1, 4), (8, 1, 5)])
def test_the_last_window_may_hang_over(size, padding, expected):
    assert max_pool_ceil(jnp.zeros((1, size, size, 1)), padding=padding).shape[1] == expected


def test_what_hangs_over_never_wins():
    x = -jnp.ones((1, 6, 6, 1))
    np.testing.assert_array_equal(max_pool_ceil(x), -1)


def test_a_window_never_starts_beyond_the_image():
    # torch leaves out the window that would start in the right padding.
    assert max_pool_ceil(jnp.zeros((1, 3, 3, 1)), window=2, stride=2, padding=1).shape[1] == 2

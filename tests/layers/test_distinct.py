"""Distinct rows of a table of integers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers.distinct import distinct
from tests.arrays import integers


@pytest.mark.parametrize("most", [2, 5])
def test_equal_rows_and_no_others_have_one_number(most):
    columns = integers(0, most, 3, 500)
    found = jax.jit(distinct, static_argnums=1)(columns, 200)
    expected = np.unique(columns, axis=1)
    assert int(found.count) == expected.shape[1]
    np.testing.assert_array_equal(columns[:, np.asarray(found.first)[found.index]], columns)
    assert set(np.asarray(found.index)) == set(range(expected.shape[1]))


def test_rows_beyond_the_capacity_are_counted_and_left_out():
    columns = jnp.arange(40)[None]
    found = distinct(columns, 10)
    assert int(found.count) == 40
    np.testing.assert_array_equal(found.first, np.arange(10))

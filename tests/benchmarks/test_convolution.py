"""The library's convolution timed against XLA's own."""

import pytest

from benchmarks.convolution import Shape, compare, table


@pytest.mark.parametrize("shape", [Shape(9, 2, 3, 2, 3), Shape(8, 1, 2, 5, 4, 2)])
def test_both_forms_give_the_same_and_every_pair_has_a_ratio(shape):
    figures = compare(shape, repeats=2)
    assert figures["difference"] < 1e-5
    assert len(figures["speedups"]) == 2
    assert str(shape) in table({"rows": [figures]})

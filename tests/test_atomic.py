"""Files are there whole or not at all."""

import numpy as np
import pytest

from jaxsyn.atomic import whole_file, write_arrays, write_text


def test_a_new_file_takes_the_place_of_the_old_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_text(path, "new \N{EM DASH}")
    assert path.read_text(encoding="utf-8") == "new \N{EM DASH}"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_beside(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")

    def fail():
        with whole_file(path) as partial:
            partial.write_text("half")
            raise ValueError("disk full")

    with pytest.raises(ValueError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_arrays_are_read_back_under_their_names_whatever_the_suffix(tmp_path):
    path = tmp_path / "styles.bin"
    write_arrays(path, {"codes": np.arange(6).reshape(2, 3), "count": [1, 2]})
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["codes"], np.arange(6).reshape(2, 3))
        assert set(arrays.files) == {"codes", "count"}

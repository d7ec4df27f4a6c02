"""Ids to classes."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxsyn.data.label_ids import ClassMapper, LabelIdError, LabelIds
from jaxsyn.errors import UserError


def classes_of(ids, values, dtype=np.uint8):
    return ClassMapper(ids)(np.array([values], dtype), "maps/a.png")[0].tolist()


def test_the_unknown_label_becomes_the_last_class():
    assert classes_of(LabelIds(182, 255), [0, 181, 255]) == [0, 181, 182]
    assert LabelIds(182, 255).count == 183


def test_an_unknown_label_below_the_classes_leaves_the_other_ids_alone():
    assert classes_of(LabelIds(4, 0), [0, 1, 3]) == [4, 1, 3]


def test_ade20k_raw_order_keeps_the_ids_of_the_released_models():
    ids = LabelIds(150, ade20k_order="raw")
    assert classes_of(ids, [0, 1, 150]) == [0, 1, 150]
    assert (ids.count, ids.unknown_class) == (151, 0)


def test_ade20k_shifted_order_puts_the_unknown_last():
    ids = LabelIds(150, ade20k_order="shifted")
    assert classes_of(ids, [0, 1, 150]) == [150, 0, 149]
    assert (ids.count, ids.unknown_class) == (151, 150)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_an_id_outside_the_classes_is_one_line_with_file_values_classes_and_remedy(dtype):
    with pytest.raises(UserError) as error:
        classes_of(LabelIds(5), [0, 7, 255, 4, 9], dtype)
    message = str(error.value)
    assert message.startswith("maps/a.png: label id 7, 9, 255 outside the 5 classes (0 to 4)")
    assert "data.unknown_label=255" in message
    assert "data.num_classes=10" in message
    assert "\n" not in message
    assert error.value.outside == (7, 9, 255)


@given(st.integers(1, 300), st.lists(st.integers(0, 70000), min_size=1, max_size=20))
def test_ids_up_to_the_number_of_classes_pass_and_all_others_fail(num_classes, values):
    if max(values) < num_classes:
        assert classes_of(LabelIds(num_classes), values, np.int32) == values
    else:
        with pytest.raises(LabelIdError) as error:
            classes_of(LabelIds(num_classes), values, np.int32)
        assert set(error.value.outside) == {value for value in values if value >= num_classes}


def test_negative_ids_are_outside_the_classes():
    with pytest.raises(LabelIdError, match="-1"):
        classes_of(LabelIds(5), [0, -1], np.int32)


def test_sixteen_bit_label_maps_are_read_where_the_ids_fit():
    assert classes_of(LabelIds(1000), [0, 999], np.uint16) == [0, 999]


def test_the_error_survives_a_worker_process():
    error = pickle.loads(pickle.dumps(LabelIdError("one line", (7,))))
    assert (str(error), error.outside) == ("one line", (7,))

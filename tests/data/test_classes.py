"""Numbers, names and colours of classes."""

import numpy as np
import pytest

from jaxsyn.data import class_names, colour, num_label_classes, palette, unknown_class
from jaxsyn.data.scenes import PALETTE
from jaxsyn.errors import UserError


@pytest.mark.parametrize(
    ("name", "num_classes", "unknown", "order", "expected"),
    [
        ("scenes", 12, None, "raw", (12, None)),
        ("coco_stuff", 182, 255, "raw", (183, 182)),
        ("cityscapes", 35, None, "raw", (35, None)),
        ("ade20k", 150, None, "raw", (151, 0)),
        ("ade20k", 150, 0, "shifted", (151, 150)),
    ],
)
def test_the_unknown_class_counts(data, name, num_classes, unknown, order, expected):
    data.update(name=name, num_classes=num_classes, unknown_label=unknown, label_order=order)
    assert (num_label_classes(data), unknown_class(data)) == expected
    assert len(class_names(data)) == expected[0]


def test_classes_have_the_names_of_their_ids(data):
    data.update(name="coco_stuff", num_classes=182, unknown_label=255)
    names = class_names(data)
    assert (names[0], names[11], names[154], names[181], names[182]) == (
        "person",
        "street sign",
        "sea",
        "wood",
        "unknown",
    )
    data.update(name="ade20k", num_classes=150, unknown_label=None, label_order="raw")
    assert class_names(data)[:3] == ["unknown", "wall", "building"]
    data.label_order = "shifted"
    assert class_names(data)[149:] == ["flag", "unknown"]
    data.update(name="cityscapes", num_classes=35)
    assert (class_names(data)[7], class_names(data)[33]) == ("road", "bicycle")
    data.update(name="custom", num_classes=2)
    assert class_names(data) == ["class 0", "class 1"]


@pytest.mark.parametrize(
    ("key", "value"), [("num_classes", 0), ("unknown_label", -1), ("unknown_label", 65536), ("label_order", "x")]
)
def test_impossible_values_are_errors_that_name_the_key(data, key, value):
    data.name = "ade20k" if key == "label_order" else "custom"
    data[key] = value
    with pytest.raises(UserError, match=rf"data\.{key}={value}"):
        num_label_classes(data)


def test_colours_are_those_of_the_data_set_or_of_pascal_voc():
    np.testing.assert_array_equal(palette(12, "scenes"), PALETTE)
    assert palette(35, "cityscapes")[7].tolist() == [128, 64, 128]
    voc = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128]]
    assert palette(5).tolist() == voc
    assert palette(21)[20].tolist() == [0, 64, 128]


def test_every_class_of_coco_stuff_has_its_own_colour():
    assert len(np.unique(palette(183, "coco_stuff"), axis=0)) == 183


def test_a_batch_of_label_maps_is_coloured_at_once():
    label = np.array([[[0, 1]], [[1, 0]]])
    assert colour(label, 2).shape == (2, 1, 2, 3)
    assert colour(label, 2)[1, 0, 0].tolist() == [128, 0, 0]

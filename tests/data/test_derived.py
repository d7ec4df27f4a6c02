"""Maps that the pipeline derives from the records."""

import numpy as np
import pytest

from jaxsyn.data import blank_batch, check_source, eval_batches, position_map, train_batches
from jaxsyn.data.derived import derived_maps
from jaxsyn.data.instance_numbers import number_instances
from jaxsyn.data.sketches import draw_sketch
from jaxsyn.errors import UserError


def first(batches):
    batch = next(batches)
    batches.close()
    return batch


def test_positions_join_the_batches_that_ask_for_them(config):
    assert "position" not in first(train_batches(config))
    config.data.use_positions = True
    for batch in (first(train_batches(config)), first(eval_batches(config, batch_size=2)), blank_batch(config)):
        assert batch["position"].dtype == np.float32
        assert batch["position"].shape == (*batch["label"].shape, 2)
    batch = first(eval_batches(config, batch_size=2))
    np.testing.assert_array_equal(batch["position"][1], position_map(batch["label"][1]))


def test_the_class_of_id_0_in_the_files_has_no_positions(data):
    assert derived_maps(data).skipped_class == 0
    data.update(name="ade20k", num_classes=150, label_order="shifted")
    assert derived_maps(data).skipped_class == 150


def test_instances_are_numbered_without_gaps_and_have_one_class_each():
    label = np.array([[0, 0, 1], [1, 2, 2]], np.uint8)
    instance = np.array([[0, 26001, 0], [0, 26001, 7]], np.int32)
    np.testing.assert_array_equal(number_instances(label, instance, 5, "street"), [[0, 1, 2], [2, 4, 3]])


def test_without_an_instance_map_each_class_is_an_instance():
    label = np.array([[3, 9], [9, 40]], np.uint8)
    numbers = number_instances(label, None, 3, "bedroom")
    np.testing.assert_array_equal(numbers, [[0, 1], [1, 2]])
    assert numbers.dtype == np.int32


def test_more_instances_than_the_maximum_are_an_error_that_names_picture_count_and_remedy():
    label = np.arange(6).reshape(2, 3)
    with pytest.raises(
        UserError, match=r"street_07: 6 instances, more than data\.max_instances=5: set .* to 6 or more"
    ):
        number_instances(label, None, 5, "street_07")


def test_batches_hold_numbered_instances(config):
    config.data.max_instances = 12 * 20
    batch = first(train_batches(config))
    for numbers in batch["instance"]:
        assert set(np.unique(numbers)) == set(range(numbers.max() + 1))
    config.data.use_instance = False
    batch = first(eval_batches(config, batch_size=1))
    np.testing.assert_array_equal(batch["instance"], batch["label"])
    assert "instance" in blank_batch(config)


def test_sketches_join_the_batches_that_ask_for_them(config):
    config.data.use_sketch = True
    for batch in (first(train_batches(config)), first(eval_batches(config, batch_size=2)), blank_batch(config)):
        assert batch["sketch"].dtype == np.float32
        assert batch["sketch"].shape == (*batch["label"].shape, 1)
    assert 0.9 < first(train_batches(config))["sketch"].max() <= 1


def test_a_sketch_has_its_lines_where_the_picture_changes():
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 12:] = 200
    lines = draw_sketch(image)
    assert lines[:, 11:13].min() > 200
    assert lines[:, :8].max() == lines[:, 16:].max() == 0
    faint = draw_sketch(np.where(image > 0, 101, 100).astype(np.uint8))
    assert faint.max() < 128


def test_the_check_before_training_finds_too_many_instances(data):
    data.max_instances = 3
    with pytest.raises(UserError, match=r"view\d+: \d+ instances, more than data\.max_instances=3"):
        check_source(data, "train")

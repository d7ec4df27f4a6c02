import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics.detection import Objects, average_precision, box_iou, objects_of


def objects(*rows):
    boxes, classes, scores = zip(*rows, strict=True) if rows else ((), (), ())
    return Objects(np.array(boxes, float).reshape(-1, 4), np.array(classes, int), np.array(scores, float))


A, B = (0, 0, 10, 10), (20, 20, 30, 40)


def test_boxes_overlap_by_area():
    np.testing.assert_allclose(box_iou(np.array([A]), np.array([A, (5, 0, 15, 10), B])), [[1, 1 / 3, 0]])


def test_the_truth_found_exactly_is_perfect():
    truth = [objects((A, 0, 1), (B, 1, 1)), objects((B, 0, 1))]
    assert average_precision(truth, truth) == pytest.approx(1)


def test_a_false_detection_costs_only_where_it_ranks_above_a_true_one():
    truth = [objects((A, 0, 1), (B, 0, 1))]
    below = [objects((A, 0, 0.9), (B, 0, 0.8), ((50, 50, 60, 60), 0, 0.1))]
    above = [objects(((50, 50, 60, 60), 0, 0.95), (A, 0, 0.9), (B, 0, 0.8))]
    assert average_precision(below, truth) == pytest.approx(1)
    assert average_precision(above, truth) == pytest.approx(2 / 3)


def test_one_box_is_found_only_once():
    truth = [objects((A, 0, 1), (B, 0, 1))]
    twice = [objects((A, 0, 0.9), (A, 0, 0.8))]
    # Recalls 0 .. 0.5 are reached at precision 1, the rest never: 51 of 101.
    assert average_precision(twice, truth) == pytest.approx(51 / 101)


def test_a_loose_box_counts_at_the_loose_thresholds_only():
    truth, loose = [objects((A, 0, 1))], [objects(((0, 0, 10, 7.6), 0, 1))]
    assert average_precision(loose, truth) == pytest.approx(6 / 10)


def test_objects_come_from_instance_maps():
    instance = np.zeros((6, 8), int)
    label = np.zeros((6, 8), int)
    instance[1:3, 2:5], label[1:3, 2:5] = 7, 3
    found = objects_of(instance, label, things=[3])
    np.testing.assert_array_equal(found.boxes, [[2, 1, 5, 3]])
    np.testing.assert_array_equal(found.classes, [3])


def test_different_counts_and_an_empty_truth_are_readable_errors():
    with pytest.raises(UserError, match="same images"):
        average_precision([], [objects((A, 0, 1))])
    with pytest.raises(UserError, match="found none"):
        average_precision([objects()], [objects()])

import jax
import numpy as np
import pytest

from jaxsyn.evaluation.metrics.segmentation import (
    confusion_matrix,
    frequency_weighted_iou,
    iou_per_class,
    mean_accuracy,
    mean_iou,
    pixel_accuracy,
)

# Class 0: 3 of 4 right; class 1: 2 of 2, one pixel too many; class 2: predicted never, labelled never.
CONFUSION = np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
# Class 2 predicted twice but never labelled.
PREDICTED_ONLY = np.array([[3, 0, 2], [0, 2, 0], [0, 0, 0]])


def test_ignored_pixels_are_left_out_of_the_confusion():
    label = np.array([[[0, 0, 255], [1, -1, 1]]])
    prediction = np.array([[[0, 1, 0], [1, 0, 0]]])
    counts = jax.jit(confusion_matrix, static_argnums=2)(label, prediction, 2)
    np.testing.assert_array_equal(counts, [[1, 1], [1, 1]])


def test_masked_rows_are_left_out_of_the_confusion():
    label = np.zeros((3, 2, 2), np.int32)
    counts = confusion_matrix(label, label, 2, mask=np.array([True, False, True]))
    np.testing.assert_array_equal(counts, [[8, 0], [0, 0]])


def test_iou_counts_intersection_over_union_and_marks_absent_classes():
    np.testing.assert_allclose(iou_per_class(CONFUSION), [3 / 4, 2 / 3, np.nan])


def test_the_three_protocols_treat_absent_classes_differently():
    assert mean_iou(PREDICTED_ONLY, "union") == pytest.approx((3 / 5 + 1 + 0) / 3)
    assert mean_iou(PREDICTED_ONLY, "labels") == pytest.approx((3 / 5 + 1) / 2)
    assert mean_iou(CONFUSION, "union") == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert mean_iou(CONFUSION, "all") == pytest.approx((3 / 4 + 2 / 3) / 3)


def test_accuracies():
    assert pixel_accuracy(CONFUSION) == pytest.approx(5 / 6)
    assert mean_accuracy(CONFUSION) == pytest.approx((3 / 4 + 1) / 2)
    assert frequency_weighted_iou(CONFUSION) == pytest.approx(4 / 6 * 3 / 4 + 2 / 6 * 2 / 3)


def test_a_set_without_labels_has_no_score():
    empty = np.zeros((3, 3))
    for score in (mean_iou, pixel_accuracy, mean_accuracy):
        assert np.isnan(score(empty))

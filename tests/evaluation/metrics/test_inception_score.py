import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics.inception_score import conditional_inception_score, inception_score


def one_hot_logits(*classes, count=4):
    return 50.0 * np.eye(count)[list(classes)]


def test_confident_and_even_predictions_score_the_number_of_classes():
    assert inception_score(one_hot_logits(0, 1, 2, 3), splits=1)[0] == pytest.approx(4)


def test_equal_predictions_score_one():
    assert inception_score(one_hot_logits(2, 2, 2, 2), splits=2) == pytest.approx((1, 0))


def test_splits_need_not_divide_the_images():
    mean, std = inception_score(one_hot_logits(0, 1, 0, 1, 1), splits=2)
    # Rows 0-1 hold two classes evenly, rows 2-4 one and two of them.
    uneven = np.exp(-(1 / 3 * np.log(1 / 3) + 2 / 3 * np.log(2 / 3)))
    assert mean == pytest.approx((2 + uneven) / 2)
    assert std == pytest.approx((2 - uneven) / 2)


def test_the_conditional_score_looks_at_the_outputs_of_one_input():
    diverse = np.stack([one_hot_logits(0, 1), one_hot_logits(2, 3)])
    constant = np.stack([one_hot_logits(0, 0), one_hot_logits(3, 3)])
    assert conditional_inception_score(diverse) == pytest.approx(2)
    assert conditional_inception_score(constant) == pytest.approx(1)


def test_bad_sets_are_readable_errors():
    with pytest.raises(UserError, match="10 splits"):
        inception_score(one_hot_logits(0, 1))
    with pytest.raises(UserError, match="NaN"):
        inception_score(np.full((4, 3), np.nan), splits=1)
    with pytest.raises(UserError, match="at least 2 samples"):
        conditional_inception_score(np.zeros((3, 1, 4)))

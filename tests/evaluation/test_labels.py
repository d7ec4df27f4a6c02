import numpy as np

from jaxsyn.evaluation.labels import ade20k_classes, cityscapes_train_ids


def test_cityscapes_ids_become_train_ids():
    np.testing.assert_array_equal(
        cityscapes_train_ids(np.array([[7, 8, 33, 26], [0, 6, 255, -1]])), [[0, 1, 18, 13], [255, 255, 255, 255]]
    )


def test_unlabelled_ade20k_pixels_are_ignored():
    np.testing.assert_array_equal(ade20k_classes(np.array([0, 1, 150], np.uint8)), [-1, 0, 149])

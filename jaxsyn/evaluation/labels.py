"""From the ids in a data set's files to the classes of the segmenter that scores it."""

import numpy as np

# Raw Cityscapes ids of the 19 classes that are evaluated, in the order of their train ids.
CITYSCAPES_EVALUATED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
CITYSCAPES_IGNORED = 255
ADE20K_IGNORED = -1


def cityscapes_train_ids(label: np.ndarray) -> np.ndarray:
    """Raw ids 0 .. 33 (and -1 or 255) of any shape -> int32 classes 0 .. 18, and 255 for ids that are not evaluated."""
    table = np.full(256, CITYSCAPES_IGNORED, np.int32)
    table[list(CITYSCAPES_EVALUATED)] = np.arange(len(CITYSCAPES_EVALUATED))
    return table[np.asarray(label, np.int32) % 256]


def ade20k_classes(label: np.ndarray) -> np.ndarray:
    """Raw ids 0 .. 150, 0 unlabelled, of any shape -> UperNet's classes 0 .. 149, -1 for unlabelled; int32."""
    return np.asarray(label, np.int32) - 1

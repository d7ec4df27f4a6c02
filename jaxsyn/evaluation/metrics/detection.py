"""Does a detector find in a synthesised image the objects that were asked for? Average precision as COCO computes it.

Panoptic work (Dundar et al., CVPR 2020, arXiv 2004.10289) reports the detection AP of a detector trained on real
images. No detector is part of this library: hand one in that follows `Detector`, and take the truth from the
instance maps by `objects_of`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from jaxsyn.errors import UserError

IOU_THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).round(2).tolist())
RECALLS = np.linspace(0, 1, 101)
MOST_DETECTIONS = 100


class Objects(NamedTuple):
    """The objects of one image.

    boxes: float [N, 4], left, top, right, bottom in pixels, right and bottom exclusive.
    classes: int [N]. scores: float [N], the detector's confidence; any order, 1 for the truth.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


class Detector(Protocol):
    """Any detector: a PyTorch or JAX model behind a function."""

    def __call__(self, images: np.ndarray) -> Sequence[Objects]:
        """images: uint8 [B, H, W, 3], RGB -> what it finds in each of the B images."""
        ...


def objects_of(instance: np.ndarray, label: np.ndarray, things: Sequence[int]) -> Objects:
    """The true objects of one image: a box around each instance of the classes in `things`.

    instance, label: int [H, W]. An instance's class is that of most of its pixels.
    """
    boxes, classes = [], []
    for identity in np.unique(instance[np.isin(label, things)]):
        pixels = instance == identity
        kind = np.bincount(label[pixels]).argmax()
        if kind not in things:
            continue
        rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        classes.append(kind)
    return Objects(np.array(boxes, float).reshape(-1, 4), np.array(classes, int), np.ones(len(boxes)))


def average_precision(
    found: Sequence[Objects], truth: Sequence[Objects], thresholds: Sequence[float] = IOU_THRESHOLDS
) -> float:
    """AP in [0, 1]: mean over the classes in the truth and over overlap thresholds (COCO: .5, .55 .. .95).

    At each threshold detections take, best score first, the free true box of their class with which they overlap
    most; precision is made non-increasing and read at 101 recalls. At most 100 detections an image and class count.
    COCO's crowds and areas are left out. Raises UserError for lists of different length or a truth without objects.
    """
    if len(found) != len(truth):
        raise UserError(
            f"average precision compares the same images: detections of {len(found)}, truth of {len(truth)}"
        )
    classes = np.unique(np.concatenate([objects.classes for objects in truth] or [np.zeros(0, int)]))
    if not len(classes):
        raise UserError("average precision needs an image with a true object, found none: check the instance maps")
    of_pairs = [_precision(found, truth, kind, threshold) for kind in classes for threshold in thresholds]
    return float(np.mean(of_pairs))


def box_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes [N, 4] and [M, 4] -> [N, M], in [0, 1]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (first, second)]
    return shared / np.maximum(areas[0][:, None] + areas[1] - shared, 1e-12)


def _precision(found: Sequence[Objects], truth: Sequence[Objects], kind: int, threshold: float) -> float:
    scores, hits, count = [], [], 0
    for detections, objects in zip(found, truth, strict=True):
        chosen = np.flatnonzero(detections.classes == kind)
        chosen = chosen[np.argsort(-detections.scores[chosen], kind="stable")][:MOST_DETECTIONS]
        boxes = objects.boxes[objects.classes == kind]
        overlaps = box_iou(detections.boxes[chosen], boxes)
        scores.append(detections.scores[chosen])
        hits.append(_matched(overlaps, threshold))
        count += len(boxes)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    right = np.cumsum(np.concatenate(hits)[order])
    if not len(right):
        return 0.0
    precision = np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]
    at = np.searchsorted(right / count, RECALLS, side="left")
    return float(np.where(at < len(right), precision[np.minimum(at, len(right) - 1)], 0).mean())


def _matched(overlaps: np.ndarray, threshold: float) -> np.ndarray:
    """Which detections, best first, find a box that is still free: bool [N]."""
    free = overlaps.copy()
    matched = np.zeros(len(overlaps), bool)
    for row in range(len(overlaps)):
        if free.shape[1] and free[row].max() >= threshold:
            matched[row] = True
            free[:, free[row].argmax()] = -1
    return matched

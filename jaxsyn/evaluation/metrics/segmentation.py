"""Segmentation scores from one confusion matrix over the whole set: mIoU by protocol, pixel accuracy."""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

# Which classes an average runs over; published numbers differ in this.
# union:   classes in the labels or the predictions (DRN, hence Cityscapes tables). Predicted-only classes count 0.
# labels:  classes in the labels (DeepLab, hence COCO-Stuff tables).
# all:     every class; absent ones count 0 (CSAIL's ADE20K code, imaginaire).
ClassSet = Literal["union", "labels", "all"]


def confusion_matrix(
    label: jax.Array, prediction: jax.Array, num_classes: int, mask: jax.Array | None = None
) -> jax.Array:
    """Pixels of true class i that were predicted as class j; jit-able, sum the results over batches in int64.

    label: int [B, H, W]; values outside [0, num_classes), such as 255 or -1, are left out.
    prediction: int [B, H, W], in [0, num_classes).
    mask: bool [B], False for the rows that only pad a batch.
    Returns int32 [num_classes, num_classes].
    """
    counted = (label >= 0) & (label < num_classes)
    if mask is not None:
        counted &= mask.reshape(-1, *[1] * (label.ndim - 1))
    # One extra bin takes the pixels left out, so the count stays an integer one.
    index = jnp.where(counted, label * num_classes + prediction, num_classes**2)
    counts = jnp.bincount(index.reshape(-1).astype(jnp.int32), length=num_classes**2 + 1)
    return counts[:-1].reshape(num_classes, num_classes).astype(jnp.int32)


def iou_per_class(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, float64 [K] in [0, 1]; NaN where a class is in neither map.

    confusion: counts [K, K], true class first.
    """
    confusion = np.asarray(confusion, np.float64)
    intersection = np.diag(confusion)
    return _ratio(intersection, confusion.sum(0) + confusion.sum(1) - intersection)


def mean_iou(confusion: np.ndarray, classes: ClassSet = "union") -> float:
    """Mean intersection over union in [0, 1] over a set of classes (see ClassSet); confusion: counts [K, K]."""
    confusion = np.asarray(confusion, np.float64)
    iou = iou_per_class(confusion)
    if classes == "all":
        return float(np.nan_to_num(iou).mean())
    present = confusion.sum(1) > 0 if classes == "labels" else ~np.isnan(iou)
    return float(iou[present].mean()) if present.any() else float("nan")


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Correct pixels among the labelled ones, in [0, 1]; confusion: counts [K, K]."""
    confusion = np.asarray(confusion, np.float64)
    return float(_ratio(np.trace(confusion), confusion.sum()))


def mean_accuracy(confusion: np.ndarray) -> float:
    """Recall of each class, averaged over the classes in the labels, in [0, 1]; confusion: counts [K, K]."""
    confusion = np.asarray(confusion, np.float64)
    recall = _ratio(np.diag(confusion), confusion.sum(1))
    return float(np.nanmean(recall)) if np.isfinite(recall).any() else float("nan")


def frequency_weighted_iou(confusion: np.ndarray) -> float:
    """IoU of each class weighted by its share of labelled pixels, in [0, 1]; confusion: counts [K, K]."""
    confusion = np.asarray(confusion, np.float64)
    weights = _ratio(confusion.sum(1), confusion.sum())
    return float(np.sum(weights * np.nan_to_num(iou_per_class(confusion))))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(
        numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=np.asarray(denominator) > 0
    )

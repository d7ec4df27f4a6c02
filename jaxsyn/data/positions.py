"""Where a pixel lies in its region: the position maps of CLADE-ICPE."""

import numpy as np
from scipy import ndimage

_EIGHT_CONNECTED = np.ones((3, 3), int)


def position_map(label: np.ndarray, skipped_class: int | None = 0, normalized: bool = True) -> np.ndarray:
    """Each pixel's offset from the centroid of its region (CLADE, section 3.4, and the authors' script).

    A region is an 8-connected component of one class. Its offsets are divided by the largest absolute one, plus 1e-5,
    of the region: for rows and columns apart, so that they lie in (-1, 1) whatever its shape.

    Args:
        label: integer classes [H, W].
        skipped_class: the class whose pixels get 0; None: every class has positions. In the authors' script it is id 0
            of the file whatever that means: unknown in ADE20K and Cityscapes, but person in COCO-Stuff.
        normalized: False gives offsets in pixels.

    Returns:
        float32 [H, W, 2]: offset along rows (down), then along columns (right).
    """
    positions = np.zeros((*label.shape, 2), np.float32)
    # Class numbers from 1, without gaps: `find_objects` gives the box of each.
    classes, numbered = np.unique(label, return_inverse=True)
    boxes = ndimage.find_objects(numbered.reshape(label.shape) + 1)
    for value, box in zip(classes, boxes, strict=True):
        if value != skipped_class:
            regions, count = ndimage.label(label[box] == value, _EIGHT_CONNECTED)
            positions[box] += _offsets(regions, count, normalized)
    return positions


def _offsets(regions: np.ndarray, count: int, normalized: bool) -> np.ndarray:
    """Offsets [h, w, 2] from the centroid of the pixel's region, 1 to `count`; 0 where there is none."""
    offsets = np.zeros((*regions.shape, 2), np.float32)
    inside = np.nonzero(regions)
    region = regions[inside] - 1
    sizes = np.bincount(region, minlength=count)
    for axis, coordinates in enumerate(inside):
        centroids = np.bincount(region, coordinates, count) / sizes
        offset = coordinates - centroids[region]
        if normalized:
            largest = np.zeros(count)
            np.maximum.at(largest, region, np.abs(offset))
            offset /= largest[region] + 1e-5
        offsets[..., axis][inside] = offset
    return offsets

"""How many classes a label map holds, what they are called, and their colours."""

import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data import cityscapes
from jaxsyn.data.class_names import ADE20K, COCO_STUFF
from jaxsyn.data.label_ids import ADE20K_ORDERS, LabelIds
from jaxsyn.data.scenes import CLASS_NAMES as SCENES_CLASS_NAMES
from jaxsyn.data.scenes import PALETTE as SCENES_PALETTE
from jaxsyn.errors import UserError


def label_ids(data: ConfigDict) -> LabelIds:
    """How the ids of a data set's files become classes. Raises UserError for impossible values."""
    if data.num_classes < 1:
        raise UserError(f"data.num_classes={data.num_classes}: set the number of classes, at least 1")
    if data.unknown_label is not None and not 0 <= data.unknown_label <= 65535:
        raise UserError(f"data.unknown_label={data.unknown_label}: set the id of unlabelled pixels, 0 to 65535 or None")
    if data.name != "ade20k":
        return LabelIds(data.num_classes, data.unknown_label)
    if data.label_order not in ADE20K_ORDERS:
        raise UserError(f"data.label_order={data.label_order}: choose one of {', '.join(ADE20K_ORDERS)}")
    if data.unknown_label not in (None, 0):
        raise UserError(f"data.unknown_label={data.unknown_label}: ADE20K's unknown id is 0, leave it at None or 0")
    return LabelIds(data.num_classes, None, data.label_order)


def num_label_classes(data: ConfigDict) -> int:
    """Classes that a label map can hold: data.num_classes, and one more where the data set has an unknown class."""
    return label_ids(data).count


def unknown_class(data: ConfigDict) -> int | None:
    """The class of unlabelled pixels: the last one, 0 for ADE20K's raw order, None where there is none."""
    return label_ids(data).unknown_class


def class_names(data: ConfigDict) -> list[str]:
    """A name for each label class; `class 7` where the data set's names are not known here."""
    known = {
        "scenes": SCENES_CLASS_NAMES,
        "cityscapes": cityscapes.CLASS_NAMES,
        "coco_stuff": COCO_STUFF,
        "ade20k": ADE20K if data.label_order == "shifted" else ("unknown", *ADE20K),
    }.get(data.name, ())
    count, unknown = num_label_classes(data), unknown_class(data)
    return [
        "unknown" if label == unknown else known[label] if label < len(known) else f"class {label}"
        for label in range(count)
    ]


def palette(num_classes: int, name: str = "") -> np.ndarray:
    """Colours of a data set's classes, uint8 `[num_classes, 3]`: those of `scenes`, of Cityscapes, or of PASCAL VOC.

    PASCAL VOC's colour map spreads the bits of the class number over red, green and blue, highest bits first, so that
    any number of classes gets its colours.
    """
    own = {"scenes": SCENES_PALETTE, "cityscapes": cityscapes.PALETTE}.get(name, np.zeros((0, 3), np.uint8))
    classes = np.arange(num_classes)
    colours = np.zeros((num_classes, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (((classes >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    shared = min(num_classes, len(own))
    colours[:shared] = own[:shared]
    return colours


def colour(label: np.ndarray, num_classes: int, name: str = "") -> np.ndarray:
    """Label map `[..., H, W]` of classes to colours, uint8 `[..., H, W, 3]`; `name` is data.name (see `palette`)."""
    return palette(num_classes, name)[label]

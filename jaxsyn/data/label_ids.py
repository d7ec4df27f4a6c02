"""Class ids: from the values in a file to the classes the networks see, checked."""

from typing import NamedTuple

import numpy as np

from jaxsyn.errors import UserError

ADE20K_ORDERS = ("raw", "shifted")
_LARGEST_ID = 65535


class LabelIdError(UserError):
    """A label map holds ids outside the classes, which `outside` lists."""

    def __init__(self, message: str, outside: tuple[int, ...] = ()):
        super().__init__(message)
        self.outside = outside


class LabelIds(NamedTuple):
    """How the ids in a label map become classes.

    `num_classes` ids 0 .. num_classes - 1 stay; `unknown_label`, where set, becomes class `num_classes`.
    `ade20k_order` is None, or one of ADE20K's two readings of 0 = unknown, 1 .. num_classes = classes:
    "raw" keeps the ids, "shifted" subtracts one and puts the unknown last.
    """

    num_classes: int
    unknown_label: int | None = None
    ade20k_order: str | None = None

    @property
    def unknown_class(self) -> int | None:
        """The class of unlabelled pixels, or None."""
        if self.ade20k_order == "raw":
            return 0
        if self.ade20k_order == "shifted" or self.unknown_label is not None:
            return self.num_classes
        return None

    @property
    def count(self) -> int:
        """Classes that a label map can hold, the unknown one included."""
        return self.num_classes + (self.unknown_class is not None)

    def table(self) -> np.ndarray:
        """Class of each id 0 .. 65535, -1 for an id outside the classes. Returns int32 `[65536]`."""
        table = np.full(_LARGEST_ID + 1, -1, np.int32)
        if self.ade20k_order == "raw":
            table[: self.num_classes + 1] = np.arange(self.num_classes + 1)
        elif self.ade20k_order == "shifted":
            table[0] = self.num_classes
            table[1 : self.num_classes + 1] = np.arange(self.num_classes)
        else:
            table[: self.num_classes] = np.arange(self.num_classes)
            if self.unknown_label is not None:
                table[self.unknown_label] = self.num_classes
        return table


class ClassMapper:
    """Applies `LabelIds` to label maps.

    Call: label map `[H, W]` of ids, any integer type, and the file it came from. Returns classes `[H, W]`, uint8 where
    they fit, else int32. Raises LabelIdError that names the file, the ids outside the classes, and what to set.
    """

    def __init__(self, ids: LabelIds):
        self.ids = ids
        self._table = ids.table()
        self._dtype = np.uint8 if ids.count <= 256 else np.int32
        self._small_table = self._table[:256].astype(self._dtype)
        self._small_ids = np.flatnonzero(self._table[:256] >= 0).astype(np.uint8).tobytes()

    def __call__(self, label: np.ndarray, file: str) -> np.ndarray:
        if label.dtype == np.uint8:
            # Byte strings are searched and translated in a fraction of the time that arrays are counted and indexed in.
            pixels = label.tobytes()
            self._check(np.unique(np.frombuffer(pixels.translate(None, self._small_ids), np.uint8)), file)
            if self._dtype != np.uint8:
                return self._small_table[label]
            return np.frombuffer(pixels.translate(self._small_table.tobytes()), np.uint8).reshape(label.shape)
        present = np.unique(label)
        outside = (present < 0) | (present > _LARGEST_ID)
        outside[~outside] = self._table[present[~outside]] < 0
        self._check(present[outside], file)
        return self._table[label].astype(self._dtype)

    def _check(self, outside: np.ndarray, file: str) -> None:
        if outside.size == 0:
            return
        values = ", ".join(str(v) for v in outside[:8]) + (", ..." if outside.size > 8 else "")
        ids = self.ids
        first, last = (0, ids.num_classes - 1) if ids.ade20k_order is None else (1, ids.num_classes)
        unknown = "" if ids.unknown_class is None else f" and unknown {ids.unknown_label or 0}"
        remedies = []
        if ids.ade20k_order is None and ids.unknown_label is None and 255 in outside:
            remedies.append("set data.unknown_label=255 if 255 marks unlabelled pixels")
        too_large = [int(v) for v in outside if v >= ids.num_classes and v != 255]
        if too_large:
            remedies.append(f"set data.num_classes={max(too_large) + (ids.ade20k_order is None)} if they are classes")
        remedies.append("correct the label map")
        raise LabelIdError(
            f"{file}: label id {values} outside the {ids.num_classes} classes ({first} to {last}{unknown}): "
            + ", or ".join(remedies),
            tuple(outside.tolist()),
        )

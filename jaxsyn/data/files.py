"""A source of records read from paired files."""

import os

from jaxsyn.data.images import (
    Header,
    check_id_map,
    check_photograph,
    check_same_size,
    read_header,
    read_id_map,
    read_image,
)
from jaxsyn.data.label_ids import ClassMapper, LabelIds
from jaxsyn.data.pairs import Pair


class PairedFiles:
    """Random access to paired image files, checked as they are read.

    A record: "image" uint8 `[H, W, 3]`, "label" classes `[H, W]`, "instance" integers `[H, W]`, as wide as the file's,
    where the pairs have instance maps, "domain" 0, "name" the image's stem. Reading raises UserError for an unreadable
    file, colour-coded ids, sizes that differ, or a label id outside the classes.
    """

    def __init__(self, pairs: list[Pair], ids: LabelIds, palette: bool = False):
        self.pairs = pairs
        self.ids = ids
        self.palette = palette
        self._to_classes = ClassMapper(ids)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict:
        pair = self.pairs[index]
        image = read_image(pair.image)
        label = read_id_map(pair.label, "label map", self.palette)
        instance = None if pair.instance is None else read_id_map(pair.instance, "instance map", self.palette)
        if label.shape != image.shape[:2] or (instance is not None and instance.shape != image.shape[:2]):
            self.check_header(index)
        record = {
            "image": image,
            "label": self._to_classes(label, pair.label),
            "domain": 0,
            "name": os.path.splitext(os.path.basename(pair.image))[0],
        }
        if instance is not None:
            record["instance"] = instance
        return record

    def path(self, index: int) -> str:
        """The image file of a record."""
        return self.pairs[index].image

    def check_header(self, index: int) -> Header:
        """Checks what the files of a pair say before decoding (modes, equal sizes). Returns the image's header."""
        pair = self.pairs[index]
        image, label = read_header(pair.image), read_header(pair.label)
        check_photograph(pair.image, image)
        check_id_map(pair.label, label, "label map", self.palette)
        check_same_size(pair.image, image, pair.label, label, "label map")
        if pair.instance is not None:
            instance = read_header(pair.instance)
            check_id_map(pair.instance, instance, "instance map", self.palette)
            check_same_size(pair.image, image, pair.instance, instance, "instance map")
        return image

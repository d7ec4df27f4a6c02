"""A source of records read from paired files."""

import os
from collections.abc import Sequence

from jaxsyn.data.image_kinds import Header, check_id_map, check_photograph, check_same_size, is_drawn_upright
from jaxsyn.data.images import read_header, read_id_map, read_image
from jaxsyn.data.label_ids import ClassMapper, LabelIds
from jaxsyn.data.pairs import Pair
from jaxsyn.errors import printable


def record_name(path: str) -> str:
    """What the record of a file is called: its stem."""
    return printable(os.path.splitext(os.path.basename(path))[0])


class PairedFiles:
    """Random access to paired image files, checked as they are read.

    A record: "image" uint8 `[H, W, 3]`, "label" classes `[H, W]`, "instance" integers `[H, W]`, as wide as the file's,
    where the pairs have instance maps, "domain" 0, "name" the image's stem. An image is turned upright where its label
    map was drawn so (see `is_drawn_upright`). Reading raises UserError for an unreadable file, colour-coded ids, sizes
    that differ, or a label id outside the classes.

    Attributes:
        problems: one line for each file that is in no record.
    """

    def __init__(self, pairs: list[Pair], ids: LabelIds, palette: bool = False, problems: Sequence[str] = ()):
        self.pairs = pairs
        self.problems = list(problems)
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
        maps = [label] if instance is None else [label, instance]
        if any(ids.shape != image.shape[:2] for ids in maps):
            self.check_header(index)
            image = read_image(pair.image, upright=True)
        record = {
            "image": image,
            "label": self._to_classes(label, pair.label),
            "domain": 0,
            "name": record_name(pair.image),
        }
        if instance is not None:
            record["instance"] = instance
        return record

    def path(self, index: int) -> str:
        """The image file of a record."""
        return self.pairs[index].image

    def record_files(self, index: int) -> tuple[str, ...]:
        """All files of a record."""
        pair = self.pairs[index]
        return tuple(file for file in (pair.image, pair.label, pair.instance) if file is not None)

    def check_header(self, index: int) -> Header:
        """Checks what the files of a pair say before decoding (modes, equal sizes).

        Returns the image's header; its size is that of the record.
        """
        pair = self.pairs[index]
        image, label = read_header(pair.image), read_header(pair.label)
        check_photograph(pair.image, image)
        check_id_map(pair.label, label, "label map", self.palette)
        check_same_size(pair.image, image, pair.label, label.size, "label map")
        if is_drawn_upright(image, label.size):
            image = image.upright()
        if pair.instance is not None:
            instance = read_header(pair.instance)
            check_id_map(pair.instance, instance, "instance map", self.palette)
            # Turned or not, as the label map says.
            check_same_size(pair.image, image._replace(orientation=1), pair.instance, instance.size, "instance map")
        return image

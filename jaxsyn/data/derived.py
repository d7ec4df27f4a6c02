"""Maps that follow from a record's picture, label map and instance map, made before it is resized."""

from typing import NamedTuple

from ml_collections import ConfigDict

from jaxsyn.data.classes import label_ids
from jaxsyn.data.instance_numbers import number_instances
from jaxsyn.data.positions import position_map
from jaxsyn.data.sketches import draw_sketch


class DerivedMaps(NamedTuple):
    """Which maps a config derives.

    Attributes:
        positions: whether a record gets "position", float32 `[H, W, 2]` (see `position_map`).
        skipped_class: the class without positions: that of id 0 in the files, by the rule of CLADE's authors.
        max_instances: where set, "instance" becomes numbers below it (see `number_instances`).
        use_instance: whether instance maps are read; without them each class is an instance.
        sketch: whether a record gets "sketch", uint8 `[H, W]` (see `draw_sketch`).
    """

    positions: bool
    skipped_class: int
    max_instances: int | None
    use_instance: bool
    sketch: bool

    def add(self, record: dict) -> dict:
        """The record with its derived maps. Raises UserError for more instances than `max_instances`."""
        record = dict(record)
        if self.positions:
            record["position"] = position_map(record["label"], self.skipped_class)
        if self.max_instances is not None:
            instance = record["instance"] if self.use_instance else None
            record["instance"] = number_instances(record["label"], instance, self.max_instances, record["name"])
        if self.sketch:
            record["sketch"] = draw_sketch(record["image"])
        return record


def derived_maps(data: ConfigDict) -> DerivedMaps:
    """The derived maps that `config.data` asks for."""
    skipped_class = int(label_ids(data).table()[0])
    return DerivedMaps(data.use_positions, skipped_class, data.max_instances, data.use_instance, data.use_sketch)

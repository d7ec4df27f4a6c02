"""Data: sources of labelled images, SPADE's preprocessing, and the pipeline that feeds training and evaluation."""

from jaxsyn.data.bad_records import SkippedRecords
from jaxsyn.data.check import check_source
from jaxsyn.data.classes import class_names, colour, num_label_classes, palette, unknown_class
from jaxsyn.data.config import default_data_config
from jaxsyn.data.pipeline import blank_batch, device_batches, eval_batches, train_batches
from jaxsyn.data.positions import position_map
from jaxsyn.data.sources import has_label_maps, open_inputs, open_source, open_targets, targets_alone

__all__ = [
    "SkippedRecords",
    "check_source",
    "class_names",
    "colour",
    "default_data_config",
    "device_batches",
    "eval_batches",
    "has_label_maps",
    "num_label_classes",
    "open_inputs",
    "open_source",
    "open_targets",
    "palette",
    "position_map",
    "targets_alone",
    "train_batches",
    "unknown_class",
]

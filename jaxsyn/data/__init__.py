"""Data: sources of labelled images, SPADE's preprocessing, and the pipeline that feeds training and evaluation."""

from jaxsyn.data.classes import class_names, colour, label_ids, num_label_classes, palette, unknown_class
from jaxsyn.data.config import default_data_config
from jaxsyn.data.pipeline import device_batches, eval_batches, train_batches
from jaxsyn.data.sources import open_source

"""Records of a tensorflow-datasets builder, read by random access without TensorFlow."""

from collections.abc import Iterable, Mapping

import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data.label_ids import ClassMapper, LabelIds
from jaxsyn.errors import UserError


class TfdsSource:
    """The split of a builder prepared in the `array_record` format (tfds build --file_format=array_record).

    Records are those of `open_source`: the image feature `[H, W, 3]` and the label feature `[H, W]` or `[H, W, 1]`,
    named by data.tfds_image_key and data.tfds_label_key (empty: the records have no label maps); "attributes" int32
    `[c]`, where data.attributes names some of the booleans in data.tfds_attributes_key. Raises UserError for an
    unknown builder, split or feature when opened, and for ids outside the classes when read.
    """

    def __init__(self, data: ConfigDict, split: str, ids: LabelIds):
        if data.use_instance:
            raise UserError("data.use_instance=True: the tfds source has no instance maps, set data.use_instance=False")
        if not data.tfds_name:
            raise UserError("data.tfds_name is not set: data.name=tfds needs the builder, such as cityscapes")
        self._name = f"{data.tfds_name}[{split}]"
        self._image_key, self._label_key = data.tfds_image_key, data.tfds_label_key
        self._attributes, self._attributes_key = tuple(data.attributes), data.tfds_attributes_key
        self._to_classes = ClassMapper(ids)
        self._records = _open(data, split)
        self._check_features()

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> dict:
        name = f"{self._name} record {index}"
        record = self._record(index, name)
        image = np.asarray(record[self._image_key])
        if image.ndim != 3 or image.shape[-1] != 3 or image.dtype != np.uint8:
            raise UserError(
                f"{name}: {self._image_key} is {image.dtype} {image.shape}, not a uint8 RGB image: "
                "correct data.tfds_image_key"
            )
        found = {"image": image, "domain": 0, "name": f"{index:06d}"}
        if self._attributes:
            values = record[self._attributes_key]
            found["attributes"] = np.array([values[attribute] for attribute in self._attributes], np.int32)
        return {**found, "label": self._label(record, image, name)} if self._label_key else found

    def _record(self, index: int, name: str) -> dict:
        try:
            return self._records[index]
        except Exception as error:  # tfds and array_record raise their own, several and undocumented, types here
            reason = " ".join(str(error).split())[:300]
            raise UserError(
                f"{name}: cannot be read ({reason}): prepare the data set again with `tfds build`"
            ) from None

    def _label(self, record: dict, image: np.ndarray, name: str) -> np.ndarray:
        label = np.asarray(record[self._label_key])
        if label.ndim == 3 and label.shape[-1] == 1:
            label = label[..., 0]
        if label.ndim != 2 or not np.issubdtype(label.dtype, np.integer):
            raise UserError(
                f"{name}: {self._label_key} is {label.dtype} {label.shape}, not one id a pixel: "
                "correct data.tfds_label_key"
            )
        if image.shape[:2] != label.shape:
            raise UserError(
                f"{name}: label map of {label.shape} for an image of {image.shape[:2]}: correct the builder"
            )
        return self._to_classes(label, name)

    def _check_features(self) -> None:
        if len(self) == 0:
            raise UserError(f"{self._name}: no records, choose another split with data.train_split or data.eval_split")
        features = self._records[0].keys()
        for key, feature in (("tfds_image_key", self._image_key), ("tfds_label_key", self._label_key)):
            if feature and feature not in features:
                raise UserError(f"{self._name}: no feature {feature}, set data.{key} to one of {', '.join(features)}")
        if self._attributes:
            self._check_attributes(features)

    def _check_attributes(self, features: Iterable[str]) -> None:
        key = self._attributes_key
        values = self._records[0][key] if key in features else None
        if not isinstance(values, Mapping):
            raise UserError(
                f"{self._name}: no attributes {key} among {', '.join(features)}, correct data.tfds_attributes_key"
            )
        missing = [attribute for attribute in self._attributes if attribute not in values]
        if missing:
            raise UserError(f"{self._name}: no attribute {missing[0]}: choose data.attributes from {', '.join(values)}")


def _open(data: ConfigDict, split: str):
    try:
        import tensorflow_datasets  # Slow to import, and needed by this source alone.
    except ImportError:
        raise UserError(
            "data.name=tfds needs tensorflow-datasets: pip install tensorflow-datasets array-record"
        ) from None
    try:
        builder = tensorflow_datasets.builder(data.tfds_name, data_dir=data.root or None)
        return builder.as_data_source(split=split)
    except Exception as error:  # tfds raises its own, several and undocumented, types here
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"tfds {data.tfds_name}[{split}] does not open ({reason}): prepare it with "
            f"`tfds build {data.tfds_name} --file_format=array_record`, or correct data.tfds_name, "
            "data.root (its data_dir), data.train_split or data.eval_split"
        ) from None

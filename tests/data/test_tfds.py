"""The tensorflow-datasets source, on a small builder that is prepared here without TensorFlow."""

import io
import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import open_inputs, open_source, open_targets, train_batches
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

tfds = pytest.importorskip("tensorflow_datasets")
pytest.importorskip("array_record")


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    file.seek(0)
    return file


class TinyScenes(tfds.core.GeneratorBasedBuilder):
    """Three pictures of one colour; record i has label i; the second is male, the second and the third are young."""

    VERSION = tfds.core.Version("1.0.0")
    code_path = None  # there are no checksums beside this file

    def _info(self):
        features = {
            "image_left": tfds.features.Image(shape=(None, None, 3)),
            "segmentation_label": tfds.features.Image(shape=(None, None, 1)),
            "attributes": {"Male": np.bool_, "Young": np.bool_},
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples() for split in ("train", "trainA", "trainB")}

    def _generate_examples(self):
        for index in range(3):
            picture, label = np.full((6, 8, 3), 40 * index, np.uint8), np.full((6, 8), index, np.uint8)
            attributes = {"Male": index == 1, "Young": index > 0}
            yield index, {"image_left": png(picture), "segmentation_label": png(label), "attributes": attributes}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    TinyScenes(data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


@pytest.fixture
def tiny(data, prepared):
    data.update(name="tfds", root=str(prepared), tfds_name="tiny_scenes", num_classes=3, use_instance=False)
    data.tfds_image_key = "image_left"
    return data


def test_a_prepared_builder_is_read_by_random_access(tiny):
    source = open_source(tiny, "train")
    assert len(source) == 3
    records = [source[index] for index in (2, 0, 1)]
    assert {int(record["label"][0, 0]) for record in records} == {0, 1, 2}
    for record in records:
        assert record["label"].shape == (6, 8)
        assert (record["image"] == 40 * int(record["label"][0, 0])).all()
    assert pickle.loads(pickle.dumps(source))[1]["image"].shape == (6, 8, 3)


def test_reading_needs_no_tensorflow(tiny):
    code = (
        "import sys, ml_collections, json; from jaxsyn.data import open_source\n"
        "data = ml_collections.ConfigDict(json.loads(sys.argv[1]))\n"
        "open_source(data, 'train')[0]; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, tiny.to_json()], check=False).returncode == 0


def test_ids_outside_the_classes_name_the_record(tiny):
    tiny.num_classes = 1
    with pytest.raises(UserError, match=r"tiny_scenes\[train\] record \d: label id \d outside the 1 classes"):
        list(open_source(tiny, "train"))


def test_a_feature_that_does_not_exist_is_an_error_that_lists_the_features(tiny):
    tiny.tfds_label_key = "seg"
    with pytest.raises(UserError, match=r"no feature seg, set data\.tfds_label_key.*segmentation_label"):
        open_source(tiny, "train")


def test_a_split_or_builder_that_does_not_exist_is_a_one_line_error(tiny):
    with pytest.raises(UserError, match=r"tiny_scenes\[val\] does not open") as error:
        open_source(tiny, "val")
    assert "\n" not in str(error.value)
    tiny.tfds_name = "no_such_builder"
    with pytest.raises(UserError, match=r"no_such_builder.*data\.tfds_name"):
        open_source(tiny, "train")


def test_the_builder_must_be_named_and_has_no_instances(tiny):
    tiny.use_instance = True
    with pytest.raises(UserError, match=r"data\.use_instance"):
        open_source(tiny, "train")
    tiny.update(use_instance=False, tfds_name="")
    with pytest.raises(UserError, match=r"data\.tfds_name is not set"):
        open_source(tiny, "train")


def batch_of(tiny, pairing):
    config = default_config()
    config.batch_size = 2
    config.data = tiny
    config.data.update(pairing=pairing, height=6, width=8, preprocess="fixed")
    return config.data, next(train_batches(config))


def test_paired_records_translate_the_coloured_label_map(tiny):
    _, batch = batch_of(tiny, "paired")
    assert set(batch) == {"image", "label", "source", "domain"}
    corners = zip(batch["label"][:, 0, 0], batch["source"][:, 0, 0], strict=True)
    colours = {int(label): tuple(pixel) for label, pixel in corners}
    assert len(set(colours.values())) == len(colours)


def test_unpaired_splits_a_and_b_hold_pictures_alone(tiny):
    data, batch = batch_of(tiny, "unpaired")
    assert set(batch) == {"image", "source", "domain"}
    assert len(open_inputs(data, "train")) == len(open_targets(data, "train")) == 3
    assert "label" not in open_inputs(data, "train")[0]


def test_booleans_are_attributes(tiny):
    tiny.update(attributes=("Young", "Male"), tfds_label_key="")
    _, batch = batch_of(tiny, "unpaired")
    assert set(batch) == {"image", "source", "domain", "attributes", "source_attributes"}
    shade = np.rint((batch["source"][:, 0, 0, 0] + 1) * 127.5 / 40).astype(int)
    np.testing.assert_array_equal(batch["source_attributes"], np.array([[0, 0], [1, 1], [1, 0]])[shade])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ("Bald",)}, r"no attribute Bald: choose data\.attributes from Male, Young"),
        ({"tfds_attributes_key": "image_left"}, "no attributes image_left among .*tfds_attributes_key"),
    ],
)
def test_attributes_that_do_not_exist_are_an_error(tiny, options, message):
    tiny.update({"attributes": ("Male",), "tfds_label_key": "", **options})
    with pytest.raises(UserError, match=message):
        open_source(tiny, "train")

"""The checks before the first step."""

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import check_source
from jaxsyn.data.check import spread
from jaxsyn.errors import UserError


def test_a_sound_data_set_passes(data):
    check_source(data, "train")
    check_source(data, "val")


def test_scenes_pass(data):
    data.update(name="scenes", height=32, width=32, num_classes=12, check_records=4)
    check_source(data, "train")


def truncated(folder, save):
    path = folder / "train_img" / "view9.png"
    path.write_bytes(path.read_bytes()[:200])
    return path, "truncated"


def colour_coded(folder, save):
    return save(folder / "train_label" / "view9.png", np.zeros((12, 20, 3), np.uint8)), "colour-coded"


def palette_coded(folder, save):
    path = folder / "train_label" / "view9.png"
    Image.open(path).convert("P").save(path)
    return path, "data.palette_labels=True"


def coloured_instances(folder, save):
    return save(folder / "train_inst" / "view9.png", np.zeros((12, 20, 3), np.uint8)), "instance map is colour-coded"


def another_size(folder, save):
    return save(folder / "train_label" / "view9.png", np.zeros((11, 20), np.uint8)), "20x11"


def instance_of_another_size(folder, save):
    return save(folder / "train_inst" / "view9.png", np.zeros((12, 21), np.uint16)), "21x12"


def outside_the_classes(folder, save):
    return save(folder / "train_label" / "view9.png", np.full((12, 20), 255, np.uint8)), "data.unknown_label=255"


def image_alone(folder, save):
    return save(folder / "train_img" / "alone.png", np.zeros((12, 20, 3), np.uint8)), "image without label map"


def label_alone(folder, save):
    return save(folder / "train_label" / "alone.png", np.zeros((12, 20), np.uint8)), "label map without image"


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        colour_coded,
        palette_coded,
        coloured_instances,
        another_size,
        instance_of_another_size,
        outside_the_classes,
        image_alone,
        label_alone,
    ],
)
def test_bad_input_is_one_line_with_the_file_and_the_remedy(data, spade_folders, save, spoil):
    path, expected = spoil(spade_folders, save)
    with pytest.raises(UserError) as error:
        check_source(data, "train")
    message = str(error.value)
    assert str(path) in message
    assert expected in message
    assert "\n" not in message


def test_headers_of_all_records_are_checked_whatever_is_decoded(data, spade_folders, save):
    data.check_records = 1
    save(spade_folders / "train_label" / "view10.png", np.zeros((12, 20, 3), np.uint8))
    with pytest.raises(UserError, match="colour-coded"):
        check_source(data, "train")


def test_a_picture_too_small_for_the_crop_is_found_with_its_file(data):
    data.update(preprocess="crop", height=12, width=24)
    with pytest.raises(UserError, match=r"train_img/view8\.png: 20x12 becomes 20x12.*crop of 24x12"):
        check_source(data, "train")


def test_records_are_spread_over_the_whole_set():
    assert spread(3, 101).tolist() == [0, 50, 100]
    assert spread(10, 4).tolist() == [0, 1, 2, 3]
    assert spread(0, 4).tolist() == []

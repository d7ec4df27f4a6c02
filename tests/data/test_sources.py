"""The layouts of the data sets, opened by name."""

import pickle

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import check_source, num_label_classes, open_source
from jaxsyn.data.sources import NAMES
from jaxsyn.errors import UserError


def read(path):
    return np.asarray(Image.open(path))


def test_spade_folders_give_the_pixels_of_their_files(data, spade_folders):
    source = open_source(data, "train")
    assert [record["name"] for record in source] == ["view8", "view9", "view10", "view11", "view12", "view13"]
    np.testing.assert_array_equal(source[2]["image"], read(spade_folders / "train_img" / "view10.png"))
    np.testing.assert_array_equal(source[2]["label"], read(spade_folders / "train_label" / "view10.png"))
    np.testing.assert_array_equal(source[2]["instance"], read(spade_folders / "train_inst" / "view10.png"))
    assert source[2]["instance"].dtype == np.uint16  # as wide as the file
    assert source[2]["domain"] == 0


def test_instance_maps_are_read_only_when_asked_for(data, spade_folders):
    data.use_instance = False
    assert "instance" not in open_source(data, "train")[0]


def test_a_source_survives_pickling_for_worker_processes(data):
    source = open_source(data, "train")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[1]["label"], source[1]["label"])


def test_portrait_folders_of_spade_are_read_too(data, spade_folders, save):
    for kind in ("label", "img", "inst"):
        pixels = np.zeros((12, 20, 3) if kind == "img" else (12, 20), np.uint8)
        save(spade_folders / f"train_{kind}_portrait" / "tall.png", pixels)
    assert [record["name"] for record in open_source(data, "train")][-1] == "tall"


def test_custom_reads_three_folders_of_any_name(data, spade_folders):
    data.update(name="custom", root="", label_dir=str(spade_folders / "val_label"))
    data.update(image_dir=str(spade_folders / "val_img"), instance_dir=str(spade_folders / "val_inst"))
    assert [record["name"] for record in open_source(data, "train")] == ["view8", "view9", "view10"]


def test_custom_folders_may_name_the_split(data, spade_folders):
    for key, kind in (("label_dir", "label"), ("image_dir", "img"), ("instance_dir", "inst")):
        data[key] = str(spade_folders / ("{split}_" + kind))
    data.name = "custom"
    assert (len(open_source(data, "train")), len(open_source(data, "val"))) == (6, 3)


@pytest.mark.parametrize("key", ["label_dir", "image_dir", "instance_dir"])
def test_custom_without_one_of_its_folders_names_the_key(data, spade_folders, key):
    data.update(name="custom", label_dir=str(spade_folders), image_dir=str(spade_folders), instance_dir="x")
    data[key] = ""
    with pytest.raises(UserError, match=rf"data\.{key} is not set"):
        open_source(data, "train")


def test_cityscapes_pairs_raw_ids_and_exact_sixteen_bit_instances(data, tmp_path, save):
    root = tmp_path / "cityscapes"
    instance = np.array([[26001, 7], [33001, 24]], np.uint16)
    for city, frame in (("ulm", "000002_000019"), ("aachen", "000001_000019")):
        stem = f"{city}_{frame}"
        save(root / "leftImg8bit/train" / city / f"{stem}_leftImg8bit.png", np.zeros((2, 2, 3), np.uint8))
        save(root / "gtFine/train" / city / f"{stem}_gtFine_labelIds.png", np.array([[26, 7], [33, 24]], np.uint8))
        save(root / "gtFine/train" / city / f"{stem}_gtFine_instanceIds.png", instance)
        save(root / "gtFine/train" / city / f"{stem}_gtFine_color.png", np.zeros((2, 2, 4), np.uint8))
    data.update(name="cityscapes", root=str(root), num_classes=35)
    source = open_source(data, "train")
    assert [record["name"] for record in source] == [
        "aachen_000001_000019_leftImg8bit",
        "ulm_000002_000019_leftImg8bit",
    ]
    np.testing.assert_array_equal(source[0]["label"], [[26, 7], [33, 24]])
    np.testing.assert_array_equal(source[0]["instance"], instance)
    assert num_label_classes(data) == 35


@pytest.mark.parametrize(("order", "expected"), [("raw", [[0, 1], [2, 150]]), ("shifted", [[150, 0], [1, 149]])])
def test_ade20k_comes_in_both_orders(data, tmp_path, save, order, expected):
    save(tmp_path / "ade/images/training/ADE_train_00000001.jpg", np.zeros((2, 2, 3), np.uint8))
    save(tmp_path / "ade/annotations/training/ADE_train_00000001.png", np.array([[0, 1], [2, 150]], np.uint8))
    data.update(name="ade20k", root=str(tmp_path / "ade"), num_classes=150, use_instance=False, label_order=order)
    np.testing.assert_array_equal(open_source(data, "train")[0]["label"], expected)
    assert num_label_classes(data) == 151


@pytest.mark.parametrize(("images", "labels"), [("train2017", "stuffthingmaps"), ("images/train2017", "annotations")])
def test_coco_stuff_reads_the_released_layout(data, tmp_path, save, images, labels):
    save(tmp_path / "coco" / images / "000000000009.jpg", np.zeros((2, 2, 3), np.uint8))
    save(tmp_path / "coco" / labels / "train2017" / "000000000009.png", np.array([[0, 181], [255, 5]], np.uint8))
    data.update(name="coco_stuff", root=str(tmp_path / "coco"), num_classes=182, unknown_label=255, use_instance=False)
    np.testing.assert_array_equal(open_source(data, "train")[0]["label"], [[0, 181], [182, 5]])
    data.use_instance = True
    with pytest.raises(UserError, match=r"data\.use_instance"):
        open_source(data, "train")


def test_coco_stuff_reads_spades_layout(data):
    data.name = "coco_stuff"
    assert len(open_source(data, "val")) == 3


def test_scenes_need_no_files(data):
    data.update(name="scenes", height=32, width=32, num_classes=12, train_length=7, eval_length=5)
    assert (len(open_source(data, "train")), len(open_source(data, "val"))) == (7, 5)
    assert open_source(data, "train")[0]["label"].shape == (32, 32)


def test_the_scenes_of_a_config_do_not_change_with_the_seed_of_training(config):
    config.data.update(name="scenes", height=32, width=32, num_classes=12)
    first = open_source(config.data, "val")[0]["image"]
    config.seed = 99
    np.testing.assert_array_equal(open_source(config.data, "val")[0]["image"], first)


def test_an_unknown_data_set_is_an_error_that_lists_the_known_ones(data):
    data.name = "coco"
    with pytest.raises(UserError, match=r"data\.name=coco") as error:
        open_source(data, "train")
    assert all(name in str(error.value) for name in NAMES)


@pytest.mark.parametrize("name", ["paired_folders", "cityscapes", "ade20k", "coco_stuff"])
def test_a_root_that_is_not_set_or_does_not_exist_is_an_error(data, tmp_path, name):
    data.update(name=name, root="", use_instance=False)
    with pytest.raises(UserError, match=r"data\.root is not set"):
        open_source(data, "train")
    data.root = str(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"data\.root=.*nowhere does not exist"):
        open_source(data, "train")


def test_a_missing_evaluation_split_names_the_folder_and_the_key(data):
    data.eval_split = "test"
    with pytest.raises(UserError, match=r"test_label: no such folder.*data\.eval_split"):
        open_source(data, "val")


def test_an_image_without_label_map_is_an_error_that_names_it(data, spade_folders):
    (spade_folders / "train_label" / "view9.png").unlink()
    with pytest.raises(UserError, match=r"train_img/view9\.png: image without label map") as error:
        open_source(data, "train")
    assert "1 more" in str(error.value)  # its instance map has no label map either
    assert "\n" not in str(error.value)


def test_sizes_that_differ_are_an_error_with_both_files_and_sizes(data, spade_folders, save):
    save(spade_folders / "train_label" / "view8.png", np.zeros((6, 10), np.uint8))
    with pytest.raises(UserError) as error:
        open_source(data, "train")[0]
    for part in ("train_label/view8.png", "10x6", "train_img/view8.png", "20x12"):
        assert part in str(error.value)


@pytest.mark.parametrize("upright", [True, False])
def test_a_photograph_with_an_exif_orientation_goes_the_way_its_label_map_was_drawn(data, spade_folders, save, upright):
    (spade_folders / "train_img" / "view8.png").unlink()
    stored = np.zeros((20, 12, 3), np.uint8) if upright else np.zeros((12, 20, 3), np.uint8)
    stored[:, :6] = 255
    picture = Image.fromarray(stored)
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(spade_folders / "train_img" / "view8.jpg", exif=exif)
    image = open_source(data, "train")[0]["image"]
    assert image.shape == (12, 20, 3)
    # Upright, what was on the left is at the top.
    assert (image[:4] if upright else image[:, :4]).min() > 200
    check_source(data)


def test_an_instance_map_that_goes_the_other_way_than_the_label_map_is_an_error(data, spade_folders, save):
    (spade_folders / "train_img" / "view8.png").unlink()
    picture = Image.new("RGB", (20, 12))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(spade_folders / "train_img" / "view8.jpg", exif=exif)
    save(spade_folders / "train_inst" / "view8.png", np.zeros((20, 12), np.uint16))
    with pytest.raises(UserError, match="instance map of 12x20"):
        open_source(data, "train")[0]


def test_the_real_coco_sample_holds_its_documented_ids(data, samples):
    data.update(name="coco_stuff", root=str(samples / "coco_stuff"), num_classes=182, unknown_label=255)
    source = open_source(data, "train")
    assert len(source) == 13
    assert max(record["label"].max() for record in source) == 182


def test_the_real_cityscapes_sample_has_instances_above_255(data, samples):
    data.update(name="cityscapes", root=str(samples / "cityscapes"), num_classes=35)
    record = open_source(data, "train")[0]
    assert record["image"].shape == (1024, 2048, 3)
    assert set(np.unique(record["instance"] // 1000)[1:]) <= set(np.unique(record["label"]))

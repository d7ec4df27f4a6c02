"""Sources and batches of picture-to-picture translation."""

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import blank_batch, check_source, eval_batches, open_inputs, open_source, open_targets, train_batches
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


def config_of(**options):
    config = default_config()
    config.batch_size = 2
    config.data.height = config.data.width = config.data.load_size = 16
    config.data.train_length = config.data.eval_length = 4
    config.data.update(options)
    return config


def save(folder, name, colour, size=(20, 16)):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(folder / name)


@pytest.fixture
def two_folders(tmp_path):
    for split, count in (("train", 3), ("test", 2)):
        for i in range(count):
            save(tmp_path / f"{split}A", f"{i}.png", (250, i, 0))
            save(tmp_path / f"{split}B", f"{i}.png", (0, i, 250))
    save(tmp_path / "trainB", "3.png", (0, 3, 250))
    return tmp_path


def unpaired(root, **options):
    return config_of(name="two_folders", root=str(root), eval_split="test", pairing="unpaired", **options)


def is_red(pictures):
    return (pictures[..., 0] > pictures[..., 2]).all()


def test_label_maps_are_coloured_where_they_are_translated():
    batch = next(train_batches(config_of(pairing="paired")))
    assert batch["source"].shape == batch["image"].shape == (2, 16, 16, 3)
    assert batch["source"].dtype == np.float32
    colours = {tuple(pixel) for pixel in batch["source"].reshape(-1, 3).tolist()}
    assert len(colours) == len(np.unique(batch["label"]))


def test_paired_scenes_show_the_same_scene_in_both_domains():
    config = config_of(pairing="paired", source_domain="day", domain="night")
    batch = next(eval_batches(config, batch_size=2))
    day = next(eval_batches(config_of(domain="day"), batch_size=2))
    np.testing.assert_array_equal(batch["source"], day["image"])
    np.testing.assert_array_equal(batch["label"], day["label"])
    assert batch["image"].mean() < batch["source"].mean()


def test_unpaired_scenes_are_other_scenes_with_the_sources_label_map():
    config = config_of(pairing="unpaired", source_domain="day", domain="night", train_length=50)
    batch = next(train_batches(config))
    assert batch["image"].mean() < batch["source"].mean()
    day = next(eval_batches(config_of(domain="day"), batch_size=2))
    evaluated = next(eval_batches(config, batch_size=2))
    np.testing.assert_array_equal(evaluated["source"], day["image"])
    np.testing.assert_array_equal(evaluated["label"], day["label"])


def test_unpaired_folders_are_drawn_independently_and_an_epoch_is_as_long_as_the_larger(two_folders):
    config = unpaired(two_folders)
    batches = train_batches(config)
    drawn = [next(batches) for _ in range(20)]
    assert all(is_red(batch["source"]) and not is_red(batch["image"]) for batch in drawn)
    assert "label" not in drawn[0]
    greens = [tuple(batch[key][i, 0, 0, 1] for key in ("source", "image")) for batch in drawn for i in (0, 1)]
    assert len(set(greens)) > 4  # more than the pairs of equal names
    assert len({target for _, target in greens}) == 4


def test_unpaired_evaluation_goes_through_the_inputs_once(two_folders):
    (batch,) = eval_batches(unpaired(two_folders), batch_size=2)
    assert batch["mask"].all()
    assert list(batch["name"]) == ["0", "1"]


def test_the_direction_says_which_side_is_translated(two_folders):
    back = next(train_batches(unpaired(two_folders, direction="BtoA")))
    assert is_red(back["image"])
    assert not is_red(back["source"])
    data = unpaired(two_folders).data
    assert (len(open_inputs(data, "train")), len(open_targets(data, "train"))) == (3, 4)


def test_paired_folders_pair_by_name_and_name_what_is_alone(two_folders):
    data = unpaired(two_folders).data
    data.pairing = "paired"
    with pytest.raises(UserError, match=r"trainB/3\.png: no partner of that name"):
        open_source(data, "train")
    record = open_source(data, "val")[1]
    assert record["source"][0, 0].tolist() == [250, 1, 0]
    assert record["image"][0, 0].tolist() == [0, 1, 250]


@pytest.mark.parametrize(("direction", "source"), [("AtoB", [250, 0, 0]), ("BtoA", [0, 0, 250])])
def test_pictures_side_by_side_are_cut_in_halves(tmp_path, direction, source):
    both = np.zeros((16, 40, 3), np.uint8)
    both[:, :20, 0], both[:, 20:, 2] = 250, 250
    (tmp_path / "train").mkdir()
    Image.fromarray(both).save(tmp_path / "train" / "1.png")
    config = config_of(name="side_by_side", root=str(tmp_path), pairing="paired", direction=direction)
    record = open_source(config.data, "train")[0]
    assert record["source"].shape == record["image"].shape == (16, 20, 3)
    assert record["source"][3, 3].tolist() == source
    check_source(config.data)
    shapes = {key: array.shape for key, array in next(train_batches(config)).items()}
    assert shapes == {key: array.shape for key, array in blank_batch(config).items()}


def test_a_picture_and_its_partner_of_another_size_are_an_error(two_folders):
    data = unpaired(two_folders).data
    data.pairing = "paired"
    save(two_folders / "testB", "1.png", (0, 0, 0), size=(20, 18))
    with pytest.raises(UserError, match=r"1\.png: 20x16, its partner .*1\.png has 20x18"):
        check_source(data, "val")


def test_bad_files_of_either_side_are_found_before_training(two_folders):
    config = unpaired(two_folders)
    check_source(config.data)
    (two_folders / "trainB" / "2.png").write_bytes(b"none")
    with pytest.raises(UserError, match=r"trainB/2\.png: truncated or unreadable"):
        check_source(config.data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pairing": "pairs"}, "data.pairing=pairs: choose paired or unpaired"),
        ({"pairing": "unpaired"}, "data.source_domain is not set"),
        ({"name": "side_by_side"}, "data.name=side_by_side holds pairs"),
        ({"name": "two_folders", "root": ".", "direction": "AB"}, "data.direction=AB: choose one of AtoB, BtoA"),
    ],
)
def test_a_config_that_makes_no_sense_is_an_error(options, message):
    with pytest.raises(UserError, match=message):
        next(train_batches(config_of(**options)))

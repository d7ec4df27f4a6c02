"""Records that are decoded once and kept."""

import os

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import train_batches
from jaxsyn.data.config import default_data_config
from jaxsyn.data.pipeline import preprocess
from jaxsyn.data.records import open_records
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


@pytest.fixture
def data(tmp_path):
    """A config of three pairs with instance maps on disk, and a folder to keep them in."""
    rng = np.random.default_rng(0)
    for folder, shape, high in (("label", (), 5), ("image", (3,), 256), ("instance", (), 90)):
        (tmp_path / folder).mkdir()
        for i in range(3):
            pixels = rng.integers(0, high, (24, 30, *shape)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{i}.png")
    data = default_data_config()
    data.name, data.num_classes, data.use_instance, data.use_positions = "custom", 5, True, True
    data.label_dir, data.image_dir, data.instance_dir = (str(tmp_path / f) for f in ("label", "image", "instance"))
    data.preprocess, data.load_size, data.height, data.width = "resize_and_crop", 20, 16, 16
    data.cache = str(tmp_path / "cache")
    return data


def seen(data, draw=0):
    records = open_records(data, "train", preprocess(data))
    return [records.random(index, np.random.default_rng(draw)) for index in range(len(records))]


def kept_files(data):
    return sorted(os.path.join(folder, file) for folder, _, files in os.walk(data.cache) for file in files)


def assert_equal(records, others):
    for record, other in zip(records, others, strict=True):
        assert record.keys() == other.keys()
        for key, value in record.items():
            np.testing.assert_array_equal(value, other[key], err_msg=key)
            assert np.asarray(value).dtype == np.asarray(other[key]).dtype, key


def test_kept_records_are_those_that_are_read_from_the_files_whatever_crop_and_flip(data):
    for draw in range(4):
        kept = seen(data, draw)
        with data.unlocked():
            cache, data.cache = data.cache, ""
            assert_equal(kept, seen(data, draw))
            data.cache = cache
    assert len(kept_files(data)) == 3


def test_a_record_whose_file_changes_is_made_anew(data):
    before = seen(data)
    path = os.path.join(data.image_dir, "1.png")
    Image.fromarray(np.full((24, 30, 3), 7, np.uint8)).save(path)
    after = seen(data)
    assert (after[1]["image"] == 7).all()
    assert_equal([after[0], after[2]], [before[0], before[2]])


def test_a_damaged_file_of_the_cache_is_made_anew(data):
    before = seen(data)
    for file, length in zip(kept_files(data), (0, 40, 500), strict=True):
        os.truncate(file, length)
    assert_equal(seen(data), before)
    assert_equal(seen(data), before)


def test_another_size_or_class_count_has_records_of_its_own(data):
    seen(data)
    data.load_size = 18
    seen(data)
    data.flip, data.num_workers = False, 3  # these leave records before their crop as they are
    seen(data)
    assert len(kept_files(data)) == 6


def test_two_sets_of_one_config_do_not_share_records(tmp_path):
    data = default_data_config()
    data.cache, data.height, data.width, data.train_length = str(tmp_path), 16, 16, 2
    data.pairing, data.source_domain, data.domain = "unpaired", "day", "night"
    first, again = seen(data), seen(data)
    assert_equal(first, again)
    assert first[0]["source"].mean() > 1.4 * first[0]["image"].mean()


def test_evaluation_keeps_nothing(data):
    records = open_records(data, "val", preprocess(data))
    records.centre(0)
    assert kept_files(data) == []


def test_a_cache_that_cannot_be_written_is_told_once_and_does_without(data, capfd):
    open(data.cache, "w").close()
    assert len(seen(data)) == 3
    assert capfd.readouterr().err.count("takes no records") == 1


def test_random_windows_and_a_cache_exclude_each_other(data):
    data.window_share = 0.5
    with pytest.raises(UserError, match=r"data\.window_share=0\.5"):
        seen(data)


def test_batches_of_a_cache_are_those_without_one(data):
    config = default_config()
    config.batch_size, config.data = 2, data
    plain = config.copy_and_resolve_references()
    plain.data.cache = ""
    batches = [train_batches(each) for each in (config, plain)]
    for _ in range(5):
        kept, read = map(next, batches)
        assert_equal([kept], [read])

"""CelebA's layout, alone and beside folders of domains."""

import pickle
import random

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import blank_batch, check_source, eval_batches, open_source, train_batches
from jaxsyn.data.inspect import inspect
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

NAMES = ("Bald", "Male", "Smiling", "Young")
# Of each picture the values of NAMES; the red of picture i is 20 * i.
VALUES = [(-1, 1, -1, 1), (1, -1, -1, 1), (-1, -1, 1, -1), (-1, 1, 1, 1), (1, 1, -1, -1), (-1, -1, -1, -1)]
FILES = [f"{i + 1:06d}.jpg.png" for i in range(len(VALUES))]


def write_list(root, values=VALUES, count=None, names=NAMES):
    rows = [f"{file} {' '.join(f'{v:>2}' for v in row)}" for file, row in zip(FILES, values, strict=False)]
    lines = [str(len(rows) if count is None else count), " ".join(names), *rows]
    (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "celeba" / "images").mkdir(parents=True)
    for i, file in enumerate(FILES):
        Image.new("RGB", (16, 20), (20 * i, 0, 0)).save(tmp_path / "celeba" / "images" / file)
    write_list(tmp_path / "celeba")
    for split in ("train", "test"):
        for green, domain in enumerate(("angry", "happy")):
            (tmp_path / "faces" / split / domain).mkdir(parents=True)
            Image.new("RGB", (12, 12), (0, 100 * green, 0)).save(tmp_path / "faces" / split / domain / "one.png")
    return tmp_path


def config_of(root, **options):
    config = default_config()
    config.batch_size = 4
    config.data.height = config.data.width = 8
    given = {"name": "celeba", "root": str(root / "celeba"), "attributes": ("Young", "Male"), "pairing": "unpaired"}
    given |= {"eval_split": "test", "test_length": 2, "preprocess": "centre_crop_and_resize"}
    config.data.update(given | options)
    return config


def red(pictures):
    """Which picture it is, [B]."""
    return np.rint((pictures[:, 0, 0, 0] + 1) * 127.5 / 20).astype(int)


def attributes_of(pictures):
    """Young and Male."""
    return np.array([[(VALUES[i][3] + 1) // 2, (VALUES[i][1] + 1) // 2] for i in red(pictures)])


def test_the_split_is_that_of_the_shuffled_list(root):
    order = list(range(len(FILES)))
    random.Random(1234).shuffle(order)
    data = config_of(root, pairing="").data
    test, train = open_source(data, "val"), open_source(data, "train")
    assert [record["name"] for record in test] == [FILES[i].removesuffix(".png") for i in order[:2]]
    assert [record["name"] for record in train] == [FILES[i].removesuffix(".png") for i in order[2:]]
    assert len(pickle.loads(pickle.dumps(train))[0]["attributes"]) == 2


def test_pictures_have_the_attributes_that_the_batch_says_in_the_order_of_the_config(root):
    config = config_of(root)
    for batch in (next(train_batches(config)), next(eval_batches(config, batch_size=2))):
        np.testing.assert_array_equal(batch["source_attributes"], attributes_of(batch["source"]))
        np.testing.assert_array_equal(batch["attributes"], attributes_of(batch["image"]))
    assert (red(batch["source"]) != red(batch["image"])).all()
    batch, blank = next(train_batches(config)), blank_batch(config)
    assert {k: (v.shape, v.dtype) for k, v in batch.items()} == {k: (v.shape, v.dtype) for k, v in blank.items()}


def test_beside_attributes_a_batch_holds_pictures_of_the_second_sets_domains(root):
    config = config_of(root, domains=("angry", "happy"), domain_root=str(root / "faces"))
    check_source(config.data)
    batch, blank = next(train_batches(config)), blank_batch(config)
    greens = np.rint((batch["domain_image"][:, 0, 0, 1] + 1) * 127.5 / 100).astype(int)
    np.testing.assert_array_equal(batch["domain"], greens)
    np.testing.assert_array_equal(batch["source_attributes"], attributes_of(batch["source"]))
    assert {k: (v.shape, v.dtype) for k, v in batch.items()} == {k: (v.shape, v.dtype) for k, v in blank.items()}


def test_the_doctor_looks_at_both_sets(root, tmp_path, capsys):
    config = config_of(root, domains=("angry", "happy"), domain_root=str(root / "faces"))
    assert inspect(config.data, str(tmp_path / "sheets")) == []
    out = capsys.readouterr().out
    assert "train (train): 4 attributed pictures" in out
    assert "val (test): 1 angry pictures" in out


def broken_value(root):
    write_list(root / "celeba", [*VALUES[:5], (0, 0, 0, 0)])


def missing_value(root):
    write_list(root / "celeba", [*VALUES[:5], (1, 1, 1)])


def wrong_count(root):
    write_list(root / "celeba", count=7)


def no_count(root):
    write_list(root / "celeba", count="file Bald")


def no_list(root):
    (root / "celeba" / "list_attr_celeba.txt").unlink()


def no_picture(root):
    (root / "celeba" / "images" / FILES[0]).unlink()


def no_folder(root):
    (root / "celeba" / "images").rename(root / "celeba" / "img")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken_value, "000006.jpg.png has Young = 0, which is neither 1 nor -1"),
        (missing_value, "000006.jpg.png has 3 values for 4 attributes"),
        (wrong_count, "has 6 pictures, its first line says 7"),
        (no_count, "line 1 is not the number of pictures"),
        (no_list, "list_attr_celeba.txt: not readable"),
        (no_picture, "000001.jpg.png is not in "),
        (no_folder, "has no folder images or img_align_celeba"),
    ],
)
def test_a_list_or_folder_that_is_not_celebas_is_an_error_that_says_where(root, damage, message):
    damage(root)
    with pytest.raises(UserError, match=message):
        check_source(config_of(root).data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ("Old",)}, "no attribute Old: choose data.attributes from Bald, Male, Smiling, Young"),
        ({"train_split": "validation"}, "no split validation: set data.train_split, data.eval_split to train or test"),
        ({"test_length": 6}, "none of its 6 pictures are left for train: correct data.test_length"),
        ({"name": "scenes"}, "data.attributes: data.name=scenes has none, use celeba or tfds"),
        ({"pairing": "paired"}, "are no pairs, set data.pairing=unpaired"),
        ({"domains": ("angry", "happy")}, "data.domain_root is not set"),
        ({"domains": ("angry", "happy"), "domain_root": "/none"}, "data.domain_root=/none does not exist"),
    ],
)
def test_options_that_do_not_fit_are_errors(root, options, message):
    with pytest.raises(UserError, match=message):
        next(train_batches(config_of(root, **options)))

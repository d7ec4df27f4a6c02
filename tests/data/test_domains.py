"""Batches of several domains."""

import collections

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import blank_batch, check_source, eval_batches, train_batches
from jaxsyn.data.domains import DomainSource
from jaxsyn.data.inspect import inspect
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

COUNTS = {"cat": 5, "dog": 1, "wild": 3}


@pytest.fixture
def animals(tmp_path):
    for split in ("train", "val"):
        for red, (domain, count) in enumerate(COUNTS.items()):
            folder = tmp_path / split / domain
            folder.mkdir(parents=True)
            for i in range(count):
                Image.new("RGB", (20, 16), (100 * red, 20 * i, 0)).save(folder / f"{i}.png")
    return tmp_path


def config_of(**options):
    config = default_config()
    config.batch_size = 12
    config.data.height = config.data.width = 16
    config.data.update({"pairing": "unpaired", "domains": tuple(COUNTS), **options})
    return config


def folders(root, **options):
    return config_of(name="domain_folders", root=str(root), **options)


def domain_of(pictures):
    """By the red of the first pixel, [B]."""
    return np.rint((pictures[:, 0, 0, 0] + 1) * 127.5 / 100).astype(int)


def test_pictures_are_of_the_domains_that_the_batch_names(animals):
    config = folders(animals, second_image=True)
    batch = next(train_batches(config))
    np.testing.assert_array_equal(domain_of(batch["source"]), batch["source_domain"])
    np.testing.assert_array_equal(domain_of(batch["image"]), batch["domain"])
    np.testing.assert_array_equal(domain_of(batch["second_image"]), batch["domain"])
    shapes = {key: (array.shape, array.dtype) for key, array in batch.items()}
    assert shapes == {key: (array.shape, array.dtype) for key, array in blank_batch(config).items()}


def test_an_epoch_holds_every_domain_as_often_as_the_others(animals):
    config = folders(animals)
    config.batch_size = 15  # three domains, the longest of five pictures
    batch = next(train_batches(config))
    assert collections.Counter(batch["source_domain"].tolist()) == {0: 5, 1: 5, 2: 5}
    cats = batch["source"][batch["source_domain"] == 0]
    assert len(np.unique(cats[:, 0, 0, 1])) == 5


def test_targets_are_drawn_from_all_domains_and_independently(animals):
    batches = train_batches(folders(animals))
    drawn = [pair for _ in range(20) for pair in _domains(next(batches))]
    assert len(set(drawn)) == 9


def _domains(batch):
    return list(zip(batch["source_domain"].tolist(), batch["domain"].tolist(), strict=True))


def test_evaluation_translates_every_picture_once_to_another_domain(animals):
    (batch,) = eval_batches(folders(animals), batch_size=9)
    assert batch["mask"].all()
    assert sorted(batch["name"]) == sorted(f"{name}/{i}" for name, count in COUNTS.items() for i in range(count))
    assert all(source != target for source, target in _domains(batch))
    assert {target for source, target in _domains(batch) if source == 0} == {1, 2}


def test_without_pairing_the_domains_are_one_set_of_pictures(animals):
    (batch,) = eval_batches(folders(animals, pairing=""), batch_size=9)
    np.testing.assert_array_equal(domain_of(batch["image"]), batch["domain"])
    assert "source" not in batch


def test_scenes_have_their_domains_in_the_order_of_the_config():
    config = config_of(domains=("night", "day"), train_length=20, eval_length=4)
    batch = next(train_batches(config))
    brightness = batch["source"].mean((1, 2, 3))
    assert brightness[batch["source_domain"] == 0].max() < brightness[batch["source_domain"] == 1].min()
    assert batch["label"].shape == (12, 16, 16)
    assert len(next(eval_batches(config, batch_size=8))["label"]) == 8


def test_records_of_one_domain_alone_follow_when_the_others_have_ended():
    source = DomainSource(("a", "b"), ([{"name": "x"}, {"name": "y"}], [{"name": "z"}]))
    assert [record["name"] for record in source] == ["a/x", "b/z", "a/y"]
    assert [record["domain"] for record in source] == [0, 1, 0]


def test_every_domain_is_checked_and_inspected_by_its_name(animals, tmp_path, capsys):
    config = folders(animals)
    check_source(config.data)
    (animals / "train" / "wild" / "2.png").write_bytes(b"none")
    with pytest.raises(UserError, match=r"train/wild/2\.png: truncated or unreadable"):
        check_source(config.data)
    assert len(inspect(config.data, str(tmp_path / "sheets"))) == 1
    assert "train (train): 5 cat pictures" in capsys.readouterr().out
    assert (tmp_path / "sheets" / "domain_folders_val_dog.png").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"domains": ("cat", "fox")}, r"'fox' is not among them; .*train has cat, dog, wild"),
        ({"domains": ()}, "two or more are needed"),
        ({"pairing": "paired"}, "are no pairs, set data.pairing=unpaired"),
        ({"train_split": "none"}, "no such folder: correct data.root or data.train_split"),
        ({"name": "two_folders"}, "data.name=two_folders has none"),
    ],
)
def test_domains_that_are_not_there_are_an_error(animals, options, message):
    with pytest.raises(UserError, match=message):
        next(train_batches(folders(animals, **options) if "name" not in options else config_of(**options)))

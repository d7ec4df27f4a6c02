import os

import numpy as np
import pytest
from PIL import Image

from configs.spade import get_config
from jaxsyn.evaluation import inception_measure
from jaxsyn.evaluation.inception import InceptionProtocol
from jaxsyn.evaluation.inception_measure import InceptionMeasure
from jaxsyn.evaluation.real_statistics import RealFeatures, StatisticsFile, real_identity
from tests.evaluation.tiny import MeanColour, load_ones, tiny_config

IMAGES = {side: np.random.RandomState(seed).randint(0, 256, (6, 8, 8, 3)) for seed, side in enumerate(("real", "fake"))}


@pytest.fixture(autouse=True)
def tiny_inception(monkeypatch):
    protocol = InceptionProtocol(MeanColour(), "inception", lambda images: images / 255.0)
    monkeypatch.setitem(inception_measure.PROTOCOLS, "pytorch_fid", protocol)
    monkeypatch.setattr(inception_measure, "load_weights", load_ones)


def measure(metrics=("fid", "kid"), real=("the data",), sides=("real", "fake")):
    measure = InceptionMeasure(metrics, real=real)
    for side in sides:
        measure.add(side, IMAGES[side].astype(np.uint8), np.arange(6) < 5)
    return measure.scores()


def test_a_second_evaluation_takes_the_first_ones_statistics_and_says_so():
    first = measure()
    assert "statistics of the real images kept in" in first["fid"].note
    again = measure(sides=("fake",))
    assert "statistics of the real images reused from" in again["fid"].note
    assert {name: score.value for name, score in again.items()} == {name: s.value for name, s in first.items()}


def test_moments_alone_do_not_serve_a_metric_that_needs_the_features():
    measure(("fid",))
    assert "kept in" in measure(("kid",))["kid"].note
    assert "reused" in measure(("fid",), sides=("fake",))["fid"].note


def test_other_data_are_not_served():
    measure()
    assert "kept in" in measure(real=("other data",))["fid"].note


def test_a_damaged_file_is_made_again(empty_cache):
    measure()
    (file,) = (empty_cache / "statistics").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert "kept in" in measure()["fid"].note
    assert "reused" in measure()["fid"].note


def test_without_an_identity_nothing_is_kept(empty_cache):
    assert "real images" not in measure(real=None)["fid"].note
    assert not empty_cache.exists()


def test_a_cache_that_cannot_be_written_is_no_error(empty_cache):
    empty_cache.write_text("a file, not a directory")
    features = RealFeatures(2, keep=False)
    features.update(np.ones((3, 2)))
    assert not StatisticsFile({}).save(features)
    assert "are not kept" in measure()["fid"].note


@pytest.mark.parametrize("change", [{"height": 16}, {"domain": "night"}, {"preprocess": "none"}, {"eval_split": "v2"}])
def test_scenes_are_known_by_what_decides_their_pixels(change):
    data = tiny_config().data
    before = real_identity(data, "val", 10)
    assert before == real_identity(data, "val", 10)
    data.update(change)
    assert before != real_identity(data, "val", 10)


def test_the_number_of_images_is_part_of_the_identity():
    data = tiny_config().data
    assert real_identity(data, "val", 10) != real_identity(data, "val", 9)


@pytest.fixture
def folders(tmp_path):
    """Two pairs in folders, as the config's section on them."""
    data = get_config("custom").data
    data.num_classes = 2
    data.label_dir, data.image_dir = str(tmp_path / "labels"), str(tmp_path / "images")
    for folder, shape in ((data.label_dir, (8, 8)), (data.image_dir, (8, 8, 3))):
        os.mkdir(folder)
        for index in range(2):
            Image.fromarray(np.zeros(shape, np.uint8)).save(f"{folder}/{index}.png")
    return data


def test_a_changed_image_file_is_another_data_set(folders):
    before = real_identity(folders, "val", 2)
    os.utime(f"{folders.image_dir}/1.png", ns=(0, 0))
    touched = real_identity(folders, "val", 2)
    Image.fromarray(np.ones((8, 8, 3), np.uint8)).resize((16, 16)).save(f"{folders.image_dir}/1.png")
    os.utime(f"{folders.image_dir}/1.png", ns=(0, 0))
    assert before != touched != real_identity(folders, "val", 2)


def test_a_changed_label_map_leaves_the_real_images_as_they_are(folders):
    before = real_identity(folders, "val", 2)
    os.utime(f"{folders.label_dir}/1.png", ns=(0, 0))
    assert before == real_identity(folders, "val", 2)


def test_the_inception_score_looks_at_no_real_image(empty_cache):
    scores = measure(("is",), sides=("fake",))
    assert scores["is"].value >= 1
    assert not empty_cache.exists()

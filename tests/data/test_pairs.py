"""Files paired by name."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxsyn.data.listing import list_images, natural_key
from jaxsyn.data.pairs import Folder, pair_folders
from jaxsyn.errors import UserError


@pytest.fixture
def fill(tmp_path, save):
    """Makes a folder of one-pixel images."""

    def make(name, *files):
        for file in files:
            save(tmp_path / name / file, np.zeros((1, 1), np.uint8))
        return Folder(str(tmp_path / name), f"data.{name}")

    return make


def test_files_come_in_natural_order(fill):
    assert list_images(fill("x", "a10.png", "a2.png", "a1.JPG").path, "key") == ["a1.JPG", "a2.png", "a10.png"]


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.text(max_size=5))
def test_numbers_in_names_are_compared_as_numbers(a, b, prefix):
    assert (natural_key(f"{prefix}_{a}x") < natural_key(f"{prefix}_{b}x")) == (a < b)


def test_images_and_label_maps_pair_by_name_whatever_the_extension(fill):
    pairing = pair_folders(fill("labels", "b.png", "a.png"), fill("images", "a.jpg", "b.jpeg"), None)
    assert not pairing.problems
    assert [(pair.label[-5:], pair.image.rsplit("/", 1)[1]) for pair in pairing.pairs] == [
        ("a.png", "a.jpg"),
        ("b.png", "b.jpeg"),
    ]


def test_files_in_subfolders_pair_by_their_path(fill):
    pairing = pair_folders(fill("labels", "x/1.png", "y/1.png"), fill("images", "y/1.jpg", "x/1.jpg"), None)
    assert not pairing.problems
    assert all(("/x/" in pair.label) == ("/x/" in pair.image) for pair in pairing.pairs)


def test_every_file_without_partner_is_a_line_that_names_it(fill):
    labels, images = fill("labels", "a.png", "b.png", "c.png"), fill("images", "a.jpg", "c.jpg", "d.jpg")
    instances = fill("instances", "a.png", "e.png")
    pairing = pair_folders(labels, images, instances)
    assert [pair.label for pair in pairing.pairs] == [f"{labels.path}/a.png"]
    text = "\n".join(pairing.problems)
    assert f"{labels.path}/b.png: label map without image" in text
    assert f"{labels.path}/c.png: label map without instance map" in text
    assert f"{images.path}/d.jpg: image without label map" in text
    assert f"{instances.path}/e.png: instance map without label map" in text
    assert len(pairing.problems) == 4


def test_two_files_of_one_name_in_a_folder_are_a_problem(fill):
    pairing = pair_folders(fill("labels", "a.png"), fill("images", "a.jpg", "a.png"), None)
    assert len(pairing.problems) == 1
    assert "same name" in pairing.problems[0]


def test_hidden_files_and_other_files_are_left_out(fill, tmp_path):
    folder = fill("x", "a.png", "._a.png")
    (tmp_path / "x" / "notes.txt").write_text("")
    assert list_images(folder.path, "key") == ["a.png"]


def test_a_missing_folder_is_an_error_that_names_the_key(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no such folder: correct data\.root"):
        list_images(str(tmp_path / "nowhere"), "data.root")


def test_a_folder_that_cannot_be_listed_is_an_error_that_names_it(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    (tmp_path / "x").mkdir()
    with pytest.raises(UserError, match=r"x: folder cannot be listed \(Permission denied\): give access"):
        list_images(str(tmp_path / "x"), "data.root")


def test_an_empty_folder_is_an_error_that_names_it(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(UserError, match=r"x: empty folder.*correct data\.label_dir"):
        list_images(str(tmp_path / "x"), "data.label_dir")

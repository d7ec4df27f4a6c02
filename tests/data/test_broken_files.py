"""Every kind of broken or unusual file is one line with the file and the remedy, or a documented conversion.

The table of docs/data.md says the same in words.
"""

import os

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import check_source, default_data_config, open_source
from jaxsyn.data.inspect import inspect
from jaxsyn.data.unreadable import explain
from jaxsyn.errors import UserError, printable
from tests.data.odd_files import HEIGHT, INSTANCE, LABEL, PICTURE, WIDTH, oriented, picture, sound_pair
from tests.data.odd_kinds import CONVERTED, REFUSED, SMALL, nearly


def data_set(root, names):
    """Sound pairs of these names in both splits, and the config that reads them."""
    for name in names:
        sound_pair(root, name)
    sound_pair(root, "view", "val")
    data = default_data_config()
    data.update(name="paired_folders", root=str(root), height=HEIGHT, width=WIDTH, num_classes=5, use_instance=True)
    return data


def require_made(kind):
    if kind == "file without permission" and os.geteuid() == 0:
        pytest.skip("root may read everything")


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_refused_is_one_line_with_what_was_found(tmp_path, kind):
    require_made(kind)
    data = data_set(tmp_path, ["odd", "sound"])
    make, expected = REFUSED[kind]
    file = make(tmp_path, "odd")
    with pytest.raises(UserError) as error:
        check_source(data)
    message = str(error.value)
    assert printable(str(file)) in message
    assert expected in message
    assert len(message.encode().splitlines()) == 1
    assert ": " in message.removeprefix(printable(str(file)))


@pytest.mark.parametrize("kind", CONVERTED)
def test_a_file_that_is_converted_is_read_as_documented(tmp_path, kind):
    data = data_set(tmp_path, ["odd"])
    make, check = CONVERTED[kind]
    make(tmp_path, "odd")
    if kind in SMALL:
        height, width = SMALL[kind]
        for other, pixels in (("label", LABEL), ("inst", INSTANCE)):
            picture(other, pixels[:height, :width])(tmp_path, "odd")
    check_source(data)
    (record,) = open_source(data, "train")
    record["name"].encode()
    check(record)


def test_inspect_lists_every_such_file_and_does_not_stop_at_the_first(tmp_path, capsys):
    kinds = [kind for kind in REFUSED if kind != "file without permission"]
    data = data_set(tmp_path, ["sound", *(f"odd{i}" for i in range(len(kinds)))])
    expected = {kind: (REFUSED[kind][0](tmp_path, f"odd{i}"), REFUSED[kind][1]) for i, kind in enumerate(kinds)}
    problems = inspect(data, str(tmp_path / "out"))
    for kind, (file, text) in expected.items():
        assert any(printable(str(file)) in problem and text in problem for problem in problems), kind
    capsys.readouterr().out.encode()


def test_what_the_owner_alone_may_read_is_named_with_the_remedy(tmp_path):
    (tmp_path / "a.png").touch()
    assert "no permission to read it: chmod" in explain(str(tmp_path / "a.png"), PermissionError(13, "denied"))


def test_inspect_tells_of_orientations_that_are_not_applied(tmp_path, capsys):
    data = data_set(tmp_path, ["odd", "sound"])
    oriented(PICTURE, 3)(tmp_path, "odd")
    assert inspect(data, str(tmp_path / "out")) == []
    assert "EXIF orientation: 1 image is read as stored" in capsys.readouterr().out


def test_there_are_at_least_fifty_kinds():
    assert len(REFUSED) + len(CONVERTED) >= 50


def test_a_picture_so_narrow_that_its_resized_form_is_huge_is_refused(tmp_path):
    data = data_set(tmp_path, ["sound", "odd"])
    for kind, pixels in (("img", np.zeros((1, 4000, 3), np.uint8)), ("label", np.zeros((1, 4000), np.uint8))):
        picture(kind, pixels)(tmp_path, "odd")
    data.update(preprocess="scale_shortside_and_crop", load_size=512, height=8, width=8, use_instance=False)
    with pytest.raises(UserError, match=r"odd\.png: 4000x1 becomes 2048000x512.*too large"):
        check_source(data)


def test_two_halves_need_two_columns(tmp_path):
    (tmp_path / "train").mkdir()
    Image.new("RGB", (1, 5)).save(tmp_path / "train" / "a.png")
    data = default_data_config()
    data.update(name="side_by_side", root=str(tmp_path), pairing="paired")
    with pytest.raises(UserError, match=r"a\.png: 1 pixel wide"):
        check_source(data)


def test_pictures_without_label_maps_are_turned_upright(tmp_path):
    sound_pair(tmp_path, "odd")
    oriented(np.rot90(PICTURE), 6)(tmp_path, "odd")
    (tmp_path / "train_img").rename(tmp_path / "trainB")
    data = default_data_config()
    data.update(name="two_folders", root=str(tmp_path), preprocess="none", direction="AtoB", height=0, width=32)
    (record,) = open_source(data, "train")
    nearly()(record)

"""python -m jaxsyn.data inspect."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data.inspect import inspect, instance_edges


def test_a_sound_data_set_is_described(data, tmp_path, capsys):
    data.num_classes = 7
    assert inspect(data, str(tmp_path / "out")) == []
    printed = capsys.readouterr().out
    assert "train (train): 6 pairs" in printed
    assert "val (val): 3 pairs" in printed
    assert "min 20x12, median 20x12, max 20x12" in printed
    assert "classes found: 5 of 7" in printed
    assert "classes never seen: 5 class 5, 6 class 6" in printed
    assert "no problems" in printed


def test_the_counts_are_those_of_the_files(data, spade_folders, tmp_path, capsys):
    inspect(data, str(tmp_path / "out"))
    labels = np.stack([np.asarray(Image.open(path)) for path in (spade_folders / "train_label").iterdir()])
    assert f"{np.sum(labels == 3)} pixels" in capsys.readouterr().out.split("val (val)")[0]


def test_the_share_of_the_unknown_is_told(data, spade_folders, save, tmp_path, capsys):
    for path in (spade_folders / "val_label").iterdir():
        save(path, np.array([[0, 255]], np.uint8).repeat(12, 0).repeat(10, 1))
    data.unknown_label = 255
    inspect(data, str(tmp_path / "out"))
    assert "unknown: 50.00% of the pixels" in capsys.readouterr().out


def test_a_contact_sheet_shows_image_label_and_edges_side_by_side(data, spade_folders, tmp_path, capsys):
    inspect(data, str(tmp_path / "out"))
    path = tmp_path / "out" / "paired_folders_val.png"
    assert f"contact sheet: {path}" in capsys.readouterr().out
    sheet = np.asarray(Image.open(path))
    enlarged = 192 // 20
    assert sheet.shape == (3 * 12 * enlarged, 3 * 20 * enlarged, 3)
    image = np.asarray(Image.open(spade_folders / "val_img" / "view8.png"))
    np.testing.assert_array_equal(sheet[::enlarged, ::enlarged][:12, :20], image)


def test_every_problem_is_listed_not_only_the_first(data, spade_folders, save, tmp_path, capsys):
    save(spade_folders / "train_label" / "view8.png", np.full((12, 20), 9, np.uint8))
    save(spade_folders / "train_label" / "view9.png", np.full((12, 20), 6, np.uint8))
    save(spade_folders / "train_img" / "alone.png", np.zeros((12, 20, 3), np.uint8))
    (spade_folders / "val_img" / "view9.png").write_bytes(b"")
    problems = inspect(data, str(tmp_path / "out"))
    assert len(problems) == 4
    printed = capsys.readouterr().out
    assert all(f"problem: {problem}\n" in printed for problem in problems)
    assert "ids outside the classes: 6, 9" in printed


def test_a_missing_split_is_a_problem_and_the_other_is_still_described(data, tmp_path, capsys):
    data.eval_split = "test"
    (problem,) = inspect(data, str(tmp_path / "out"))
    assert "data.eval_split" in problem
    assert "train (train): 6 pairs" in capsys.readouterr().out


def test_scenes_can_be_inspected(data, tmp_path, capsys):
    data.update(name="scenes", height=32, width=32, num_classes=12, check_records=3, train_length=4, eval_length=3)
    assert inspect(data, str(tmp_path / "out")) == []
    assert "sky" in capsys.readouterr().out


def test_edges_lie_on_both_sides_of_a_border():
    instance = np.array([[1, 1, 1, 1], [1, 1, 2, 2]])
    np.testing.assert_array_equal(instance_edges(instance), [[0, 0, 1, 1], [0, 1, 1, 1]])


@pytest.mark.parametrize(("num_classes", "status"), [(5, 0), (3, 1)])
def test_the_command_exits_with_1_where_there_are_problems(spade_folders, tmp_path, num_classes, status):
    (tmp_path / "config.py").write_text(
        "import ml_collections\n"
        "from jaxsyn.data import default_data_config\n"
        "def get_config(preset):\n"
        "    data = default_data_config()\n"
        "    data.update(name=preset, height=12, width=20)\n"
        "    return ml_collections.ConfigDict({'seed': 0, 'batch_size': 1, 'data': data})\n"
    )
    command = [sys.executable, "-m", "jaxsyn.data", "inspect", "--config", f"{tmp_path}/config.py:paired_folders"]
    command += [f"--config.data.root={spade_folders}", f"--config.data.num_classes={num_classes}"]
    result = subprocess.run([*command, f"--output={tmp_path}/out"], capture_output=True, text=True, check=False)
    assert result.returncode == status, result.stderr
    assert ("outside the 3 classes" in result.stdout) == bool(status)
    assert "Traceback" not in result.stderr

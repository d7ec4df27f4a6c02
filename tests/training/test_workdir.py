"""What lies in a run's directory beside its checkpoints."""

import json
import re

import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.workdir import (
    CHECKPOINTS,
    CONFIG,
    IMAGES,
    METRICS,
    compare_config,
    locked,
    open_workdir,
    read_config,
    sweep,
    truncate_metrics,
)
from tests.tiny import baseline_config


@pytest.fixture
def config():
    return baseline_config()


@pytest.fixture
def workdir(tmp_path, config):
    return open_workdir(tmp_path / "runs" / "spade", config)


def test_a_new_directory_is_made_and_keeps_the_config(workdir, config):
    assert json.loads((workdir / CONFIG).read_text())["model"]["resnet"]["width"] == config.model.resnet.width


@pytest.fixture
def begun(workdir):
    """The same, with a checkpoint."""
    (workdir / CHECKPOINTS / "3").mkdir(parents=True)
    return workdir


def test_opened_again_with_the_same_config_nothing_differs(begun, config, capsys):
    open_workdir(begun, config)
    assert capsys.readouterr().out == ""
    assert compare_config(begun, config) == []


def test_before_its_first_checkpoint_a_run_takes_any_config(workdir, config, capsys):
    config.model.resnet.width = 3
    open_workdir(workdir, config)
    assert capsys.readouterr().out == ""
    assert read_config(workdir).model.resnet.width == 3


def test_a_change_of_how_long_or_where_it_runs_is_told_and_allowed(begun, config, capsys):
    config.num_steps, config.mesh.data, config.data.root, config.loss.vgg_weights = 12345, 2, "/elsewhere", "vgg.pth"
    open_workdir(begun, config)
    told = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in told] == ["data.root", "loss.vgg_weights", "mesh.data", "num_steps"]
    assert told[-1].endswith("-> 12345")
    assert read_config(begun).num_steps != 12345


def test_a_change_of_the_recipe_is_told_and_needs_to_be_accepted(begun, config, capsys):
    old, config.optimizer.learning_rate.generator = config.optimizer.learning_rate.generator, 0.5
    told = f"optimizer.learning_rate.generator: {old} -> 0.5"
    with pytest.raises(UserError, match=rf"the recipe changed .*\({re.escape(told)}\): give --accept_changes"):
        open_workdir(begun, config)
    assert f"changed since the run began: {told}" in capsys.readouterr().out
    assert read_config(begun).optimizer.learning_rate.generator == old


def test_an_accepted_change_is_the_runs_config_from_then_on_and_the_old_one_is_kept(begun, config):
    before = (begun / CONFIG).read_text()
    config.optimizer.learning_rate.generator = 0.5
    open_workdir(begun, config, accept_changes=True)
    open_workdir(begun, config)
    assert read_config(begun).optimizer.learning_rate.generator == 0.5
    assert (begun / "config_until_0000003.json").read_text() == before


def test_how_fast_an_average_moves_makes_no_other_model_but_whether_there_is_one_does(tmp_path, config):
    config.ema.decay = 0.9
    workdir = open_workdir(tmp_path, config)
    (workdir / CHECKPOINTS / "3").mkdir(parents=True)
    config.ema.decay = 0.99
    open_workdir(workdir, config, accept_changes=True)
    for key, value in (("decay", 0.0), ("networks", ("generator", "discriminator"))):
        other = config.copy_and_resolve_references()
        other.ema[key] = value
        with pytest.raises(UserError, match=rf"a run of another model \(ema\.{key}: "):
            open_workdir(workdir, other, accept_changes=True)


def test_a_config_that_is_torn_is_an_error_that_says_how_to_go_on(begun, config):
    (begun / CONFIG).write_text('{"method": "spa')
    with pytest.raises(UserError, match=r"config\.json: not a config .*remove it"):
        open_workdir(begun, config)
    (begun / CONFIG).unlink()
    open_workdir(begun, config)
    assert compare_config(begun, config) == []


def test_only_one_run_trains_in_a_directory(workdir):
    with locked(workdir), pytest.raises(UserError, match="another process trains here"), locked(workdir):
        pass
    with locked(workdir):
        pass


def test_what_a_killed_process_left_half_written_is_swept_away(workdir):
    (workdir / IMAGES).mkdir()
    torn = [workdir / ".config.json.123.partial", workdir / IMAGES / ".0000003.png.123.partial"]
    for path in torn:
        path.write_text("{")
    (workdir / IMAGES / "0000003.png").write_text("")
    sweep(workdir)
    assert not any(path.exists() for path in torn)
    assert (workdir / IMAGES / "0000003.png").exists()
    assert (workdir / CONFIG).exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("method", "segmenter"),
        ("model.discriminator.num_layers", 3),
        ("data.num_classes", 9),
        ("data.use_instance", None),
    ],
)
def test_what_the_checkpoints_arrays_depend_on_may_not_change(begun, config, key, value):
    value = not config.data.use_instance if value is None else value
    config.update_from_flattened_dict({key: value})
    with pytest.raises(
        UserError, match=rf"holds a run of another model \({key}: .* -> {value}\); choose another --workdir"
    ):
        open_workdir(begun, config, accept_changes=True)


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path, config):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file: cannot write there .*choose another --workdir"):
        open_workdir(tmp_path / "file", config)


def test_truncation_drops_later_steps_and_a_torn_line(workdir):
    lines = [json.dumps({"step": step, "generator/total": step / 3}) for step in (1, 2, 3, 4)]
    (workdir / METRICS).write_text("\n".join(lines) + '\n{"step": 5, "gener')
    truncate_metrics(workdir, 3)
    assert (workdir / METRICS).read_text() == "\n".join(lines[:3]) + "\n"
    truncate_metrics(workdir, 0)
    assert (workdir / METRICS).read_text() == ""


def test_truncation_of_a_run_without_metrics_is_nothing(workdir):
    truncate_metrics(workdir, 3)
    assert not (workdir / METRICS).exists()

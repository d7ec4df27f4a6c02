"""What lies in a run's directory beside its checkpoints."""

import json

import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.workdir import CONFIG, METRICS, compare_config, open_workdir, truncate_metrics
from tests.tiny import baseline_config


@pytest.fixture
def config():
    return baseline_config()


@pytest.fixture
def workdir(tmp_path, config):
    return open_workdir(tmp_path / "runs" / "spade", config)


def test_a_new_directory_is_made_and_keeps_the_config(workdir, config):
    assert json.loads((workdir / CONFIG).read_text())["model"]["resnet"]["width"] == config.model.resnet.width


def test_opened_again_with_the_same_config_nothing_differs(workdir, config, capsys):
    open_workdir(workdir, config)
    assert capsys.readouterr().out == ""
    assert compare_config(workdir, config) == []


def test_other_changes_are_told_and_allowed(workdir, config, capsys):
    config.num_steps, config.optimizer.learning_rate.generator = 12345, 0.5
    open_workdir(workdir, config)
    told = capsys.readouterr().out
    assert "num_steps: 600 -> 12345" in told or "-> 12345" in told
    assert "optimizer.learning_rate.generator" in told


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("method", "segmenter"),
        ("model.discriminator.num_layers", 3),
        ("data.num_classes", 9),
        ("data.use_instance", None),
    ],
)
def test_what_the_checkpoints_arrays_depend_on_may_not_change(workdir, config, key, value):
    value = not config.data.use_instance if value is None else value
    config.update_from_flattened_dict({key: value})
    with pytest.raises(
        UserError, match=rf"holds a run of another model \({key}: .* -> {value}\); choose another --workdir"
    ):
        open_workdir(workdir, config)


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

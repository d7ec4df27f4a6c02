"""What a run tells while it trains."""

import json
import math
import os

import numpy as np
import pytest
from PIL import Image

from jaxsyn.errors import UserError
from jaxsyn.training.telemetry import Telemetry, require_finite
from jaxsyn.training.workdir import IMAGES, METRICS


@pytest.fixture
def telemetry(tmp_path):
    telemetry = Telemetry(tmp_path)
    yield telemetry
    telemetry.close()


def test_metrics_are_one_object_a_line_readable_at_once_and_exact(telemetry, tmp_path):
    value = float(np.float32(0.1))
    telemetry.scalars(10, {"generator/total": value})
    telemetry.scalars(20, {"generator/total": 2.0})
    entries = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    assert entries == [{"step": 10, "generator/total": value}, {"step": 20, "generator/total": 2.0}]


def test_metrics_are_appended_to_those_that_exist(tmp_path):
    for step in (1, 2):
        telemetry = Telemetry(tmp_path)
        telemetry.scalars(step, {})
        telemetry.close()
    assert [json.loads(line)["step"] for line in (tmp_path / METRICS).read_text().splitlines()] == [1, 2]


def test_a_picture_is_a_png_named_by_its_step(telemetry, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    path = telemetry.picture(250, picture)
    assert path == tmp_path / IMAGES / "0000250.png"
    np.testing.assert_array_equal(np.asarray(Image.open(path)), picture)


def test_tensorboard_gets_an_event_file(telemetry, tmp_path):
    telemetry.scalars(1, {"generator/total": 1.0})
    telemetry.close()
    assert any((tmp_path / "tensorboard").glob("events.*"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / METRICS).symlink_to("/dev/full")
    telemetry = Telemetry(tmp_path)
    with pytest.raises(UserError, match=r"metrics\.jsonl: cannot be written \(No space left on device\)"):
        telemetry.scalars(1, {"generator/total": 1.0})
    telemetry.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_where_tensorboard_can_no_longer_write_a_run_goes_on_without_it(tmp_path, monkeypatch):
    telemetry = Telemetry(tmp_path)
    writer = telemetry._board.file_writer.event_writer

    def full(_):
        raise OSError

    monkeypatch.setattr(writer._ev_writer, "write_event", full)
    telemetry.scalars(0, {"generator/total": 1.0})
    writer._worker.join(timeout=60)
    for step in range(1, 100):  # more than its queue holds
        telemetry.scalars(step, {"generator/total": 1.0})
    telemetry.close()
    assert len((tmp_path / METRICS).read_text().splitlines()) == 100


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_stops_the_run_by_step_and_term(value):
    with pytest.raises(
        UserError, match=rf"step 7: generator/kl = {value}: training stopped; LAST GOOD.*optimizer.clip"
    ):
        require_finite(7, {"generator/total": 1.0, "generator/kl": value}, lambda: "LAST GOOD")


def test_finite_values_pass():
    require_finite(7, {"generator/total": 1e30, "generator/kl": 0.0}, lambda: pytest.fail("nobody asks"))

"""What a run costs."""

import itertools
import time
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from jaxsyn.data import SkippedRecords
from jaxsyn.training.compilation import Compilations
from jaxsyn.training.meters import MEASURED, RATE, Meters
from jaxsyn.training.profile import STEPS, Profile
from jaxsyn.training.stopwatch import Stopwatch
from tests.tiny import baseline_config


class Step:
    """The result of a step that ends at a given time, as an array of a device would."""

    def __init__(self, seconds):
        self._end = time.perf_counter() + seconds

    def block_until_ready(self):
        time.sleep(max(0.0, self._end - time.perf_counter()))
        return self


def slow(seconds):
    while True:
        time.sleep(seconds)
        yield {}


@pytest.fixture
def stopwatch():
    stopwatch = Stopwatch()
    yield stopwatch
    stopwatch.close()


@pytest.fixture
def meters(tmp_path):
    """Meters of two devices, of which the first laps are over."""
    config = baseline_config()
    config.batch_size = 8
    mesh = SimpleNamespace(size=2, devices=np.array(jax.devices()[:1]))
    with Meters(config, mesh, tmp_path, SkippedRecords()) as meters:
        yield meters


def run(stopwatch, data_seconds, step_seconds, steps=5):
    for _ in itertools.islice(stopwatch.batches(slow(data_seconds)), steps):
        stopwatch.dispatched(Step(step_seconds))
    return stopwatch.lap()


def test_the_wait_for_data_counts_only_as_far_as_the_devices_are_idle(stopwatch):
    lap = run(stopwatch, 0.06, 0.02)
    assert lap.steps == 5
    # The first batch is waited for in full, each of the others but for the 20 ms of the step before.
    assert 0.2 < lap.starved < lap.seconds - 0.06


def test_data_that_comes_while_a_step_is_running_delays_nothing(stopwatch):
    run(stopwatch, 0.0, 0.1, steps=1)
    stopwatch.restart()
    busy = Step(0.5)
    stopwatch.dispatched(busy)
    lap = run(stopwatch, 0.03, 0.3, steps=4)
    assert lap.starved < 0.05


def test_a_lap_begins_anew(stopwatch):
    run(stopwatch, 0.02, 0.0)
    stopwatch.restart()
    lap = stopwatch.lap()
    assert lap.steps == 0
    assert lap.starved == 0
    assert lap.seconds < 0.1


def test_a_step_that_fails_leaves_its_error_to_the_loop(stopwatch):
    class Failing:
        def block_until_ready(self):
            raise RuntimeError

    stopwatch.dispatched(Failing())
    assert stopwatch.lap().steps == 1


def test_the_figures_are_of_the_steps_since_the_last_ones(meters):
    step, batches = meters.watch(lambda batch: (None, Step(0.03)), slow(0.0), 0)
    for batch in itertools.islice(batches, 4):
        time.sleep(0.03)
        step(batch)
    figures = meters.read()
    assert all(name.startswith(MEASURED) for name in figures)
    assert figures["time/step"] > 0.03
    assert figures[RATE] == pytest.approx(8 / figures["time/step"] / 2, rel=1e-3)


def test_who_waits_for_data_is_told_once_what_to_do_and_not_at_the_start(meters):
    waiting = {"time/data_share": 0.5}
    meters.read()
    assert meters.advice(waiting) is None
    meters.read()
    assert meters.advice({"time/data_share": 0.05}) is None
    assert "wait for data 50% of the time: read in processes: set data.num_workers=4" in meters.advice(waiting)
    assert meters.advice(waiting) is None


def test_skipped_records_are_counted_where_they_are_skipped(tmp_path):
    config = baseline_config()
    mesh, skipped = Mesh(np.array(jax.devices()[:1]), ("data",)), SkippedRecords()
    with Meters(config, mesh, tmp_path, skipped) as meters:
        assert "data/bad_records" not in meters.read()
        config.data.on_bad_record = "skip"
        assert meters.read()["data/bad_records"] == 0


def test_device_memory_is_told_where_the_backend_tells(tmp_path):
    device = SimpleNamespace(process_index=0, memory_stats=lambda: {"peak_bytes_in_use": 123})
    other = SimpleNamespace(process_index=0, memory_stats=lambda: {"peak_bytes_in_use": 45})
    mesh = SimpleNamespace(size=2, devices=np.array([device, other]))
    with Meters(baseline_config(), mesh, tmp_path, SkippedRecords()) as meters:
        assert meters.read()["memory/peak_bytes"] == 123


def test_compilations_are_counted_until_closed():
    compilations = Compilations()
    jax.jit(lambda x: x * 3 + 1)(jnp.ones(7))
    count, seconds = compilations.count, compilations.seconds
    assert count >= 1
    assert seconds > 0
    compilations.close()
    jax.jit(lambda x: x * 5 + 2)(jnp.ones(9))
    assert compilations.count == count


def test_a_trace_is_of_the_steps_asked_for(tmp_path, capsys):
    profile = Profile(tmp_path / "profile", 2)
    written = []
    for step in range(1, 7):
        profile.before(step)
        profile.after(step, jnp.ones(3) * step)
        written.append(any((tmp_path / "profile").rglob("*.xplane.pb")))
    assert written == [False] * STEPS + [True] * (6 - STEPS)
    assert "trace: " in capsys.readouterr().out


def test_a_run_that_ends_while_it_is_traced_writes_the_trace(tmp_path):
    profile = Profile(tmp_path / "profile", 1)
    profile.before(1)
    profile.close()
    assert any((tmp_path / "profile").rglob("*.xplane.pb"))


def test_no_trace_is_made_unasked(tmp_path):
    profile = Profile(tmp_path / "profile", 0)
    profile.before(1)
    profile.after(1, None)
    profile.close()
    assert not (tmp_path / "profile").exists()

"""Several processes that are one run: they train as one does, stop together, and take up each other's checkpoints."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training import processes
from jaxsyn.training.loop import train
from jaxsyn.training.processes import by_first, together
from jaxsyn.training.workdir import CHECKPOINTS, METRICS
from tests.logged import terms
from tests.tiny_recipe import get_config

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 600


def config(num_steps):
    config = get_config()
    config.num_steps, config.checkpoint_every, config.image_every = num_steps, 3, 0
    return config


def logged(workdir):
    return terms(workdir) if (workdir / METRICS).exists() else []


def start_two(workdir):
    """train.py as the two tasks of a SLURM step on this machine, of two devices each."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    slurm = {"SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2"}
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags, "JAX_COORDINATOR_PORT": str(port), **slurm}
    environment["JAX_COMPILATION_CACHE_DIR"] = str(workdir.parent / "compiled")
    command = [sys.executable, "train.py", "--config=tests/tiny_recipe.py", f"--workdir={workdir}", "--distributed"]
    command += ["--config.num_steps=100000", "--config.checkpoint_every=3", "--config.image_every=0"]
    return [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, "SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]


def wait_until(reached, running):
    began = time.monotonic()
    while not reached():
        assert all(process.poll() is None for process in running), running[0].communicate()[1][-2000:]
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.05)


def test_two_processes_go_on_with_a_run_of_one_stop_together_and_one_goes_on_with_theirs(tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    train(config(3), alone)
    shutil.copytree(alone, shared)
    train(config(8), alone)

    both = start_two(shared)
    try:
        wait_until(lambda: len(logged(shared)) >= 8, both)
        both[1].send_signal(signal.SIGTERM)
        (out, err), (out_second, err_second) = [process.communicate(timeout=PATIENCE) for process in both]
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [0, 0], err[-2000:] + err_second[-2000:]

    stopped = len(logged(shared))
    assert f"stopped by SIGTERM; the same command goes on from step {stopped}" in out
    assert "devices: 4 x cpu in 2 processes" in out
    assert "spade" not in out_second
    assert "step/s" not in err_second
    assert [entry["step"] for entry in logged(shared)] == list(range(1, stopped + 1))
    assert logged(shared)[3] == pytest.approx(logged(alone)[3], rel=1e-5, abs=1e-6)
    assert logged(shared)[7] == pytest.approx(logged(alone)[7], rel=1e-4, abs=1e-5)

    train(config(stopped + 2), shared)
    assert [entry["step"] for entry in logged(shared)] == list(range(1, stopped + 3))
    assert (shared / CHECKPOINTS / str(stopped + 2)).exists()


@pytest.fixture
def second_of_two(monkeypatch):
    """This process is the second of two; what the first has to say can be set."""
    says = [""]
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    monkeypatch.setattr(processes, "_exchange", lambda message: [says[0], message])
    return says


def test_where_an_action_fails_in_one_process_it_fails_in_all(second_of_two):
    assert together(lambda: 5) == 5
    second_of_two[0] = "no such file"
    with pytest.raises(UserError, match="process 0: no such file"):
        together(lambda: 5)


def test_an_error_of_this_process_is_raised_as_it_is(second_of_two):
    with pytest.raises(ZeroDivisionError):
        together(lambda: 1 / 0)


def test_what_the_first_process_does_the_others_wait_for_and_do_not_do(second_of_two):
    done = []
    by_first(lambda: done.append(1))
    assert done == []
    second_of_two[0] = "disk full"
    with pytest.raises(UserError, match="process 0: disk full"):
        by_first(lambda: done.append(1))

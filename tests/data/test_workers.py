"""The processes that read and transform records."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from jaxsyn.data import train_batches
from jaxsyn.data.workers import Batches
from jaxsyn.errors import UserError

# Prints its worker's number, and waits to be killed.
TRAINER = """
import multiprocessing, time
from ml_collections import ConfigDict
from jaxsyn.data import default_data_config, train_batches

config = ConfigDict({"seed": 0, "batch_size": 1, "data": default_data_config()})
config.data.update(num_workers=1, height=32, width=32)
batches = train_batches(config)
next(batches)
print(*[child.pid for child in multiprocessing.active_children()], flush=True)
time.sleep(600)
"""


def test_workers_outlive_signals_to_the_whole_job_and_the_death_of_one_is_one_line(config):
    config.data.num_workers = 2
    batches = train_batches(config)
    for _ in range(2):  # one of each worker, so that both have begun
        next(batches)
    workers = [child.pid for child in multiprocessing.active_children()]
    for number in (signal.SIGINT, signal.SIGTERM):
        for worker in workers:
            os.kill(worker, number)
    for _ in range(12):  # more than are made ahead
        next(batches)

    os.kill(workers[0], signal.SIGKILL)
    with pytest.raises(UserError, match=r"killed \(SIGKILL\), as the system does where memory.*lower data") as error:
        drain(batches, seconds=60)
    assert "\n" not in str(error.value)
    batches.close()


def test_workers_end_with_a_process_that_is_killed():
    trainer = subprocess.Popen([sys.executable, "-c", TRAINER], stdout=subprocess.PIPE, text=True)
    workers = [int(pid) for pid in trainer.stdout.readline().split()]
    trainer.kill()
    trainer.wait()
    assert workers
    end = time.monotonic() + 20
    while any(map(is_alive, workers)):
        assert time.monotonic() < end, "orphans are left"
        time.sleep(0.1)


@pytest.mark.parametrize(("status", "expected"), [(-signal.SIGSEGV, "died .SIGSEGV.: data.num_workers=0"), (1, "exit")])
def test_other_deaths_are_told_by_their_signal_or_status(status, expected):
    class Dead:
        def __iter__(self):
            raise RuntimeError(f"Worker process was terminated unexpectedly with exit code {status}. Search the logs")
            yield

    with pytest.raises(UserError, match=expected):
        next(Batches(Dead()))


def drain(batches, seconds):
    end = time.monotonic() + seconds
    for _ in batches:
        assert time.monotonic() < end


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False

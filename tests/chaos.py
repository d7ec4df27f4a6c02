"""Does a run survive being killed? Kills a tiny one at random moments, resumes it, and compares it with one left alone.

    python -m tests.chaos [--kills 20] [--seed 0]

SIGKILL and SIGTERM, during start-up, compiling, steps and saving. After each, everything in the workdir must be
readable; at the end the terms in metrics.jsonl and the last checkpoint must be, to the bit, those of the run that
nobody disturbed.
One line a kill; exits with 1 where something is not so.
"""

import argparse
import collections
import itertools
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, NoReturn

import jax
from PIL import Image

from jaxsyn.training.checkpoints import Checkpoints, steps_in
from jaxsyn.training.loop import train
from jaxsyn.training.workdir import CHECKPOINTS, CONFIG, IMAGES, METRICS, read_config
from tests.logged import terms
from tests.processes import digest
from tests.tiny_recipe import get_config

MOMENTS = ("start-up", "compiling", "steps", "saving")
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
STEPS_A_KILL, CHECKPOINT_EVERY = 4, 4
# Seconds.
POLL, PATIENCE = 0.005, 900


class BrokenRunError(AssertionError):
    """The run did not survive."""


class Look(NamedTuple):
    """What lies in a workdir: the newest checkpoint and the last step logged, 0 where there is none."""

    checkpoint: int
    logged: int


class Training:
    """`train` of `tests/tiny_recipe.py` in a process of its own: a fork, which need not import anything again."""

    def __init__(self, workdir: Path, num_steps: int):
        self.workdir, self.num_steps, self.began = workdir, num_steps, time.monotonic()
        self.code: int | None = None
        self._log = workdir.with_suffix(".log")
        self._log.unlink(missing_ok=True)
        sys.stdout.flush()
        self._pid = os.fork()
        if not self._pid:
            self._train()

    def _train(self) -> NoReturn:
        """What train.py does, with status 0 or, after an error, 1."""
        code = 1
        try:
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            config = get_config()
            config.update(num_steps=self.num_steps, checkpoint_every=CHECKPOINT_EVERY, image_every=7)
            config.ema.decay = 0.9
            train(config, self.workdir)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def output(self) -> str:
        """What it has printed."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def ended(self) -> bool:
        """Whether it has; `code` is then its status, or the signal's number, negative."""
        if self.code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def saves(self) -> bool:
        """Whether it is writing a checkpoint; what one that was killed left half written, it removes at its start."""
        return "compiling" in self.output() and any((self.workdir / CHECKPOINTS).glob("*tmp*"))

    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.began

    def wait(self, until: Callable[[], bool]) -> bool:
        """Waits until something is so; False where the process ended before."""
        while not until():
            if self.ended():
                return False
            if self.seconds() > PATIENCE:
                os.kill(self._pid, signal.SIGKILL)
                raise BrokenRunError(f"hangs after {PATIENCE} s:\n{self.output()[-2000:]}")
            time.sleep(POLL)
        return True

    def finish(self) -> None:
        """Waits until it has ended as it should."""
        self.wait(lambda: False)
        if self.code:
            raise BrokenRunError(f"ended with {self.code}:\n{self.output()[-2000:]}")

    def kill_at(self, moment: str, number: signal.Signals, draw: random.Random, start_up: float) -> bool:
        """Kills it then; False where it ended before."""
        at_start = logged(self.workdir)
        if moment == "start-up":
            delay = draw.uniform(0, start_up)
            reached = self.wait(lambda: self.seconds() > delay)
        elif moment == "compiling":
            reached = self.wait(lambda: "compiling" in self.output())
        elif moment == "steps":
            steps = draw.randint(1, 2 * CHECKPOINT_EVERY)
            reached = self.wait(lambda: logged(self.workdir) >= at_start + steps)
        else:
            reached = self.wait(self.saves)
        if moment != "start-up":
            time.sleep(draw.uniform(0, 0.2))
        if reached:
            os.kill(self._pid, number)
            self.wait(lambda: False)
        return reached


def logged(workdir: Path) -> int:
    """How many lines metrics.jsonl has."""
    path = workdir / METRICS
    return path.read_bytes().count(b"\n") if path.exists() else 0


def look(workdir: Path) -> Look:
    """Reads everything that lies in a workdir.

    Raises:
        BrokenRunError: something is not readable, or steps are missing.
    """
    steps = steps_in(workdir / CHECKPOINTS)
    try:
        if (workdir / CONFIG).exists():
            read_config(workdir)
        if steps:
            checkpoints = Checkpoints(workdir / CHECKPOINTS)
            here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
            for step in steps:
                if int(checkpoints.restore_as_saved(step, here)["step"]) != step:
                    raise BrokenRunError(f"the checkpoint of step {step} is of another")
            checkpoints.close()
        text = (workdir / METRICS).read_text() if (workdir / METRICS).exists() else ""
        *lines, _ = text.split("\n")  # the last one may be torn
        if [json.loads(line)["step"] for line in lines] != list(range(1, len(lines) + 1)):
            raise BrokenRunError(f"{METRICS} lacks steps")
        for path in (workdir / IMAGES).glob("[!.]*.png"):
            Image.open(path).load()
    except (OSError, ValueError) as error:
        raise BrokenRunError(f"{workdir} is not readable: {error}") from error
    found = Look(max(steps, default=0), len(lines))
    if found.checkpoint > found.logged:
        raise BrokenRunError(f"step {found.checkpoint} is saved, and only {found.logged} are logged")
    return found


def check_stopped(training: Training, moment: str, found: Look) -> None:
    """After SIGTERM, which a run survives in order.

    Raises:
        BrokenRunError: it did not.
    """
    code, output = training.code, training.output()
    if moment == "start-up" and code == -signal.SIGTERM and not output:  # `train` had not begun
        return
    ended = found.checkpoint == training.num_steps
    if code or not (ended or f"goes on from step {found.checkpoint}" in output):
        raise BrokenRunError(
            f"SIGTERM while {moment}: ended with {code}, checkpoint {found.checkpoint}:\n{output[-2000:]}"
        )


def final_digest(workdir: Path) -> str:
    """SHA-256 of the last checkpoint."""
    checkpoints = Checkpoints(workdir / CHECKPOINTS)
    state = checkpoints.restore_as_saved(checkpoints.latest_step(), jax.sharding.SingleDeviceSharding(jax.devices()[0]))
    checkpoints.close()
    return digest(state)


def chaos(folder: Path, kills: int, seed: int, readers: ProcessPoolExecutor) -> None:
    """Trains once undisturbed and once killed `kills` times, prints what happened.

    Args:
        readers: where JAX may begin: a process that has begun it cannot be forked.

    Raises:
        BrokenRunError: the run did not survive.
    """
    draw, num_steps = random.Random(seed), max(STEPS_A_KILL * kills, 3 * CHECKPOINT_EVERY)
    alone, killed = folder / "alone", folder / "killed"
    undisturbed = Training(alone, num_steps)
    undisturbed.wait(lambda: "compiling" in undisturbed.output())
    start_up = undisturbed.seconds()
    undisturbed.finish()
    print(
        f"undisturbed: {num_steps} steps in {undisturbed.seconds():.0f} s, {start_up:.0f} s of it start-up", flush=True
    )
    before, lost, done = Look(0, 0), [], collections.Counter()
    plan: list[tuple[str, signal.Signals]] = []
    while len(plan) < kills:  # every moment with every signal, in an order that is drawn, and again
        pairs = list(itertools.product(MOMENTS, SIGNALS))
        plan += draw.sample(pairs, len(pairs))
    for index, (moment, number) in enumerate(plan[:kills], 1):
        training = Training(killed, num_steps)
        if not training.kill_at(moment, number, draw, start_up):
            training.finish()  # or says what it died of
            print(f"kill {index}: the run ended before", flush=True)
            break
        found = readers.submit(look, killed).result()
        if number == signal.SIGTERM:
            check_stopped(training, moment, found)
        if found.checkpoint < before.checkpoint:
            raise BrokenRunError(f"the checkpoint of step {before.checkpoint} is gone")
        lost.append(found.logged - found.checkpoint)
        done[f"{number.name} {moment}"] += 1
        told = f"checkpoint {found.checkpoint}, logged {found.logged}, to be made again {lost[-1]}"
        print(f"kill {index}: {number.name} while {moment}, after {training.seconds():.1f} s: {told}", flush=True)
        before = found
    training = Training(killed, num_steps)
    training.finish()
    readers.submit(look, killed).result()
    print(f"kills: {sum(done.values())} ({', '.join(f'{name} {count}' for name, count in sorted(done.items()))})")
    print(f"steps made again: {sum(lost)} in all, at most {max(lost, default=0)} a kill; workdirs unreadable: 0")
    if terms(killed) != terms(alone):
        raise BrokenRunError(f"{METRICS} differs from that of the undisturbed run")
    if readers.submit(final_digest, killed).result() != readers.submit(final_digest, alone).result():
        raise BrokenRunError("the last checkpoint differs from that of the undisturbed run")
    print(f"{METRICS}: {num_steps} lines, terms equal to the undisturbed run's bit for bit; the last checkpoint too")


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, fork) as readers:
        # Read when JAX compiles; every program, however small.
        jax.config.update("jax_compilation_cache_dir", f"{folder}/compiled")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        try:
            chaos(Path(folder), given.kills, given.seed, readers)
        except BrokenRunError as broken:
            sys.exit(f"broken: {broken}")


if __name__ == "__main__":
    main()

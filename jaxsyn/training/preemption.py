"""Being asked to stop: SIGTERM, as preemptible machines send it, and Ctrl-C."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import jax
from jax.experimental import multihost_utils

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(KeyboardInterrupt):
    """Asked to stop where there is nothing to save, or asked twice."""


class Preemption:
    """Whether the run has been asked to stop, by any of its processes' signals.

    Attributes:
        reason: the name of the signal; "" so far.
        stepping: whether there is a step to finish and to save; a signal before that stops at once.
    """

    def __init__(self) -> None:
        self.reason = ""
        self.stepping = False

    def stops_at(self, step: int) -> bool:
        """Whether to stop after this step; all processes give the same answer, and must all ask at every step."""
        if jax.process_count() > 1 and multihost_utils.reached_preemption_sync_point(step):
            self.reason = signal.SIGTERM.name
        return bool(self.reason)


@contextmanager
def preemption() -> Iterator[Preemption]:
    """Notes the first SIGTERM or Ctrl-C while there are steps, instead of stopping at once; a second one stops at once.

    Of several processes, JAX's own service notes SIGTERM and agrees with the others on the step; a Ctrl-C is passed on
    to it.
    """
    asked = Preemption()
    several = jax.process_count() > 1
    passed_on: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        again = bool(asked.reason or passed_on)
        if several and not again:
            passed_on.append(number)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        asked.reason = signal.Signals(number).name
        if again or not asked.stepping:
            raise Stopped(asked.reason)

    noted = [number for number in SIGNALS if number != signal.SIGTERM or not several]
    before = {number: signal.signal(number, note) for number in noted}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

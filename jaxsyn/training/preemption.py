"""Being asked to stop: SIGTERM, as preemptible machines send it, and Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import jax
from jax.experimental import multihost_utils

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Preemption:
    """Whether the run has been asked to stop, by any of its processes' signals.

    Attributes:
        reason: the name of the signal that came to this process; "" so far.
    """

    def __init__(self) -> None:
        self.reason = ""

    def stops_at(self, step: int) -> bool:
        """Whether to stop after this step; all processes give the same answer, and must all ask at every step."""
        if jax.process_count() > 1:
            return multihost_utils.reached_preemption_sync_point(step)
        return bool(self.reason)


@contextmanager
def preemption() -> Iterator[Preemption]:
    """Notes the first SIGTERM or Ctrl-C instead of stopping at once; a second one stops at once.

    Of several processes, JAX's own service notes SIGTERM and agrees with the others on the step.
    """
    asked = Preemption()

    def note(number: int, _: FrameType | None) -> None:
        if asked.reason:
            raise KeyboardInterrupt
        asked.reason = signal.Signals(number).name

    noted = [number for number in SIGNALS if number != signal.SIGTERM or jax.process_count() == 1]
    before = {number: signal.signal(number, note) for number in noted}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

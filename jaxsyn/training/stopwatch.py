"""How long the steps take, and how long the devices wait for data."""

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import jax


class Lap(NamedTuple):
    """Seconds of `steps` steps; the host's wait for data counts as far as the devices had nothing else to do."""

    steps: int
    seconds: float
    starved: float


class Stopwatch:
    """Times steps without waiting for them.

    The host runs ahead of the devices, so its own wait for a batch says little: a batch that comes while the step
    before is still running delays nothing. A thread waits for the end of each step and counts the rest.
    """

    def __init__(self) -> None:
        self._dispatched: queue.Queue[tuple[float, float, Any] | None] = queue.Queue()
        self._asked = self._arrived = 0.0
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        self.restart()

    def batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The same batches; notes when each was asked for and when it came."""
        iterator = iter(batches)
        while True:
            self._asked = time.perf_counter()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            self._arrived = time.perf_counter()
            yield batch

    def dispatched(self, result: Any) -> None:
        """To be called with an array of each step's results, which is there when the step has ended."""
        self._steps += 1
        self._dispatched.put((self._asked, self._arrived, result))

    def lap(self) -> Lap:
        """What there was since `restart`; to be called when the steps have ended."""
        self._dispatched.join()
        return Lap(self._steps, time.perf_counter() - self._began, self._starved)

    def restart(self) -> None:
        """Begins a lap."""
        self._dispatched.join()
        self._steps, self._starved = 0, 0.0
        self._began = self._ended = time.perf_counter()

    def close(self) -> None:
        """Ends the thread."""
        self._dispatched.put(None)
        self._thread.join(timeout=10)  # of a step that never ends, another process having died, nobody waits

    def _follow(self) -> None:
        while (item := self._dispatched.get()) is not None:
            asked, arrived, result = item
            self._starved += max(0.0, arrived - max(asked, self._ended))
            with contextlib.suppress(Exception):  # the loop meets the same error, and tells it
                jax.block_until_ready(result)
            self._ended = time.perf_counter()
            del item, result  # else the last step's arrays would be kept
            self._dispatched.task_done()

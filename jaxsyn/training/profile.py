"""A profiler's trace of some steps, on request."""

from pathlib import Path
from typing import Any

import jax
from tqdm import tqdm

PROFILE = "profile"
# Enough to see what repeats; a trace of more is slow to open.
STEPS = 3


class Profile:
    """Traces `STEPS` steps from the step `first` on into `folder`; 0 traces none."""

    def __init__(self, folder: Path, first: int):
        self._folder, self._first = folder, first
        self._running = False

    def before(self, step: int) -> None:
        """To be called before each step is dispatched."""
        if self._first and step == self._first:
            jax.profiler.start_trace(self._folder)
            self._running = True

    def after(self, step: int, result: Any) -> None:
        """To be called after, with its results, for which the last traced step waits."""
        if self._running and step >= self._first + STEPS - 1:
            jax.block_until_ready(result)
            self.close()

    def close(self) -> None:
        """Writes the trace out where one is running."""
        if self._running:
            self._running = False
            jax.profiler.stop_trace()
            tqdm.write(f"trace: {self._folder} (for tensorboard's profile plugin, or https://ui.perfetto.dev)")

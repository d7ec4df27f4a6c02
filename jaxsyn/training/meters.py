"""What a run costs: time, compilations, device memory."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import jax
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jaxsyn.data import SkippedRecords
from jaxsyn.training.compilation import Compilations
from jaxsyn.training.profile import PROFILE, Profile
from jaxsyn.training.stopwatch import Stopwatch

# How the figures' names begin. They differ from run to run; what else metrics.jsonl holds follows from the config.
MEASURED = ("time/", "compile/", "memory/", "data/")
RATE = "time/images_per_second_per_device"
# Share of the time that the devices may wait for data without a word.
BEARABLE = 0.1


class Meters:
    """Measures the steps of a training loop.

    `read` gives, of the steps since `restart`: "time/step" in seconds, "time/data_share" of it in which the devices
    waited for data, "time/images_per_second_per_device"; since the beginning: "compile/count", "compile/seconds",
    "memory/peak_bytes" of the fullest device of this process where the backend tells, and "data/bad_records" that were
    skipped where data.on_bad_record=skip.
    """

    def __init__(self, config: ConfigDict, mesh: Mesh, workdir: Path, skipped: SkippedRecords):
        self._config, self._mesh, self._skipped = config, mesh, skipped
        self._stopwatch, self._compilations = Stopwatch(), Compilations()
        self._profile = Profile(workdir / PROFILE, config.profile_at)
        self._laps, self._advised = 0, False

    def __enter__(self) -> "Meters":
        return self

    def __exit__(self, *_: object) -> None:
        self._profile.close()
        self._stopwatch.close()
        self._compilations.close()

    def watch(
        self, step_function: Callable[..., Any], batches: Iterable[Any], start: int
    ) -> tuple[Callable[..., Any], Iterator[Any]]:
        """The same step (state, ... -> state, terms by name) and batches, measured from step `start` + 1 on."""
        step = start

        def measured(*arguments: Any) -> Any:
            nonlocal step
            step += 1
            self._profile.before(step)
            state, terms = step_function(*arguments)
            self._stopwatch.dispatched(terms)
            self._profile.after(step, terms)
            return state, terms

        self.restart()
        return measured, self._stopwatch.batches(batches)

    def read(self) -> dict[str, float]:
        """The figures by name; to be called when the steps have ended."""
        lap = self._stopwatch.lap()
        self._laps += 1
        images = lap.steps * self._config.batch_size
        figures = {
            "time/step": lap.seconds / max(lap.steps, 1),
            "time/data_share": lap.starved / lap.seconds,
            RATE: images / lap.seconds / self._mesh.size,
            "compile/count": self._compilations.count,
            "compile/seconds": self._compilations.seconds,
        }
        if (peak := _peak_bytes(self._mesh)) is not None:
            figures["memory/peak_bytes"] = peak
        if self._config.data.on_bad_record == "skip":
            figures["data/bad_records"] = len(self._skipped)
        return {name: round(value, 6) for name, value in figures.items()}

    def advice(self, figures: dict[str, float]) -> str | None:
        """Once, where the devices wait for data: what to do. The first figures, of the start, are passed over."""
        share, workers = figures["time/data_share"], self._config.data.num_workers
        if self._advised or self._laps < 2 or share <= BEARABLE:
            return None
        self._advised = True
        remedy = f"raise data.num_workers above {workers}" if workers else "read in processes: set data.num_workers=4"
        return f"the devices wait for data {share:.0%} of the time: {remedy} (this machine has {os.cpu_count()} cores)"

    def restart(self) -> None:
        """Begins to measure anew, after what is no step."""
        self._stopwatch.restart()


def _peak_bytes(mesh: Mesh) -> int | None:
    stats = [device.memory_stats() for device in mesh.devices.flat if device.process_index == jax.process_index()]
    peaks = [known["peak_bytes_in_use"] for known in stats if known and "peak_bytes_in_use" in known]
    return max(peaks, default=None)

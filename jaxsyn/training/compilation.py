"""Compiled programs: kept between runs, so that resuming and evaluating do not compile again, and counted."""

import os
import platform
from pathlib import Path

import jax


def keep_compiled_programs() -> None:
    """Turns on JAX's persistent compilation cache, in ~/.cache/jaxsyn unless JAX_COMPILATION_CACHE_DIR says where.

    One folder a machine: programs for a CPU use the instructions of the one that compiled them.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = Path.home() / ".cache" / "jaxsyn" / "compiled" / platform.node()
        jax.config.update("jax_compilation_cache_dir", str(folder))


class Compilations:
    """Counts the programs that are compiled, or fetched from those kept, and the seconds that takes."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0
        jax.monitoring.register_event_duration_secs_listener(self._note)

    def close(self) -> None:
        """Stops counting."""
        jax.monitoring.unregister_event_duration_listener(self._note)

    def _note(self, event: str, seconds: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            self.count += 1
            self.seconds += seconds

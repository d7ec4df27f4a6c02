"""Compiled programs kept between runs, so that resuming and evaluating do not compile again."""

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

"""Files that are there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

# Names of files that a killed process left behind.
PARTIAL = ".*.partial"


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """A path beside `path` to write to, which takes its place when the block ends; after an error it is removed.

    Raises OSError as writing and renaming do. Processes may write the same file at once: the last one stays.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, UTF-8, whole."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_arrays(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an .npz file of arrays by name, whole."""
    # An open file, because np.savez appends its suffix to a name.
    with whole_file(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **{name: np.asarray(array) for name, array in arrays.items()})

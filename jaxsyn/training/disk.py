"""Room for what a run writes, and what is said where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax

from jaxsyn.errors import UserError


def require_room(directory: Path, template: Any, keep: int, held: int) -> None:
    """Checks that the checkpoints of a run fit on the disk of `directory`, the newest beside those that are kept.

    Args:
        template: the state as arrays or shapes.
        keep: how many checkpoints are kept.
        held: how many there are already.

    Raises:
        UserError: they do not.
    """
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(template))
    needed, free = size * max(keep + 1 - held, 1), shutil.disk_usage(directory).free
    if free < needed:
        raise UserError(
            f"{directory}: {_gigabytes(free)} free, and {keep} checkpoints of {_gigabytes(size)} with the one being "
            f"written need {_gigabytes(needed)}{' more' if held else ''}: free some, lower keep_checkpoints, or choose "
            "another --workdir"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """
    Raises:
        UserError: for an OSError of the block: names the path and what keeps it from being written.
    """
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error.strerror or str(error)) from error


def cannot_write(path: Path, reason: str) -> UserError:
    """The error of a path that took no more."""
    return UserError(
        f"{path}: cannot be written ({reason}); the checkpoints before it are whole: make room or repair the disk, "
        "and the same command goes on from the newest"
    )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.2f} MB"

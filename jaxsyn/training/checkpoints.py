"""Checkpoints of a whole run, written by Orbax in the background and never half there."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from jaxsyn.errors import UserError
from jaxsyn.training.disk import cannot_write
from jaxsyn.training.processes import is_first
from jaxsyn.training.state import TrainState

# Where old checkpoints are moved, in one go, to be deleted: a kill while files go leaves nothing that looks like one.
DELETED = "deleted"
# Differences that an error names.
NAMED = 3
SYSTEM_ERROR = " [os_error_code"


def steps_in(directory: Path) -> list[int]:
    """Steps of the complete checkpoints in a directory; one that is being written, or was, has another name."""
    if not directory.is_dir():
        return []
    return sorted(int(path.name) for path in directory.iterdir() if path.name.isdigit())


class Checkpoints:
    """The checkpoints under one directory, by step.

    A checkpoint holds the `TrainState` and the position in the data, which is the number of steps done: the order of
    the data follows from the config's seed. Of several processes each writes what lies on its devices, and any other
    number of them can read it.
    """

    def __init__(self, directory: Path, keep: int = 2, *, sweep: bool = False):
        """
        Args:
            keep: how many checkpoints are kept; older ones are deleted once a newer one is complete.
            sweep: remove what a killed run left half written; for the one that writes here, nobody else.
        """
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep,
            create=True,
            enable_async_checkpointing=True,
            cleanup_tmp_directories=sweep,
            todelete_subdir=DELETED,
        )
        self.directory = directory
        # A manager that is told its handler knows what a checkpoint holds before anything is restored.
        handler = ocp.StandardCheckpointHandler()
        self._manager = ocp.CheckpointManager(directory.absolute(), item_handlers=handler, options=options)
        self._writes = sweep
        if sweep:
            self._sweep()

    def latest_step(self) -> int | None:
        """Step of the newest complete checkpoint; None where there is none."""
        return self._manager.latest_step()

    def steps(self) -> list[int]:
        """Steps of all complete checkpoints."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: TrainState) -> None:
        """Copies the state from the devices and writes it in the background; a step that exists stays as it is.

        Raises:
            UserError: the one before could not be written.
        """
        if step in self._manager.all_steps():
            return
        with self._writing():
            self._manager.wait_until_finished()
            self._sweep()
            self._manager.save(step, args=ocp.args.StandardSave(state))

    def check(self) -> None:
        """
        Raises:
            UserError: what is written in the background could not be.
        """
        with self._writing():
            self._manager.check_for_errors()

    def restore(self, step: int, template: Any) -> TrainState:
        """The state of a step.

        Args:
            template: the state as `jax.ShapeDtypeStruct`s with shardings; any mesh will do, not only the writer's.

        Raises:
            UserError: the checkpoint is of another method or other widths, or damaged.
        """
        path = self.directory / str(step)
        with _reading(path):
            found = self._manager.item_metadata(step).tree
        differences = _differences(_shapes(template), _shapes(found))
        if differences:
            more = f"; and {len(differences) - NAMED} more" if len(differences) > NAMED else ""
            raise UserError(
                f"{path}: the checkpoint does not fit this config ({'; '.join(differences[:NAMED])}{more}); give the "
                "config it was made with, or another --workdir"
            )
        with _reading(path):
            return self._manager.restore(step, args=ocp.args.StandardRestore(template))

    def restore_as_saved(self, step: int, sharding: jax.sharding.Sharding) -> dict[str, Any]:
        """The state of a step as nested dicts, whatever model it is of, every array laid out by `sharding`."""
        with _reading(self.directory / str(step)):
            template = jax.tree.map(
                lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
                self._manager.item_metadata(step).tree,
            )
            return self._manager.restore(step, args=ocp.args.StandardRestore(template))

    def wait(self) -> None:
        """Returns when everything saved so far is complete.

        Raises:
            UserError: it could not be written.
        """
        with self._writing():
            self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits and releases the manager's threads."""
        with self._writing():
            self._manager.close()
        if self._writes:
            self._sweep()

    def _sweep(self) -> None:
        """Deletes what is no checkpoint any more."""
        if is_first():
            shutil.rmtree(self.directory / DELETED, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Background writing fails with errors of many kinds, all of which mean that the disk took no more."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            raise cannot_write(self.directory, _reason(error)) from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: not a readable checkpoint ({_reason(error)}); remove it, and the one before is taken"
        ) from error


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    """Dotted name of every array -> its shape."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): tuple(leaf.shape) for path, leaf in leaves}


def _differences(expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]) -> list[str]:
    """What does not fit, parameters first: they are what the other entries follow."""

    def told(shape: tuple[int, ...] | None) -> str:
        return "none" if shape is None else str(list(shape))

    names = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
    names.sort(key=lambda name: (not name.startswith("params."), name))
    return [f"{name}: expected {told(expected.get(name))}, found {told(found.get(name))}" for name in names]


def _reason(error: Exception) -> str:
    """The first line, or of a system's error, which is told with all that it broke, the end that says what it is."""
    line = (str(error).strip().splitlines() or [repr(error)])[0]
    return line.split(SYSTEM_ERROR)[0].rsplit(": ", 1)[-1] if SYSTEM_ERROR in line else line

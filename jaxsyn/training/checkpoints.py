"""Checkpoints of a whole run, written by Orbax in the background and never half there."""

from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from jaxsyn.errors import UserError
from jaxsyn.training.state import TrainState


class Checkpoints:
    """The checkpoints under one directory, by step.

    A checkpoint holds the `TrainState` and the position in the data, which is the number of steps done: the order of
    the data follows from the config's seed.
    """

    def __init__(self, directory: Path, keep: int = 2):
        options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True, enable_async_checkpointing=True)
        self.directory = directory
        self._manager = ocp.CheckpointManager(directory.absolute(), options=options)

    def latest_step(self) -> int | None:
        """Step of the newest complete checkpoint; None where there is none."""
        return self._manager.latest_step()

    def steps(self) -> list[int]:
        """Steps of all complete checkpoints."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: TrainState) -> None:
        """Copies the state from the devices and writes it in the background; a step that exists stays as it is."""
        if step not in self._manager.all_steps():
            self._manager.save(step, args=ocp.args.StandardSave(state))

    def restore(self, step: int, template: Any) -> TrainState:
        """The state of a step.

        Args:
            template: the state as `jax.ShapeDtypeStruct`s with shardings; any mesh will do, not only the writer's.

        Raises:
            UserError: the checkpoint is of another method or other widths.
        """
        try:
            return self._manager.restore(step, args=ocp.args.StandardRestore(template))
        except (ValueError, KeyError, TypeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"{self.directory / str(step)}: the checkpoint does not fit this config ({reason}); give the config it "
                "was made with, or another --workdir"
            ) from error

    def restore_as_saved(self, step: int, sharding: jax.sharding.Sharding) -> dict[str, Any]:
        """The state of a step as nested dicts, whatever model it is of, every array laid out by `sharding`."""
        # A manager that is told its handler knows what a checkpoint holds before anything is restored.
        manager = ocp.CheckpointManager(self.directory.absolute(), item_handlers=ocp.StandardCheckpointHandler())
        template = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding),
            manager.item_metadata(step).tree,
        )
        state = manager.restore(step, args=ocp.args.StandardRestore(template))
        manager.close()
        return state

    def wait(self) -> None:
        """Returns when everything saved so far is complete."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits and releases the manager's threads."""
        self._manager.close()

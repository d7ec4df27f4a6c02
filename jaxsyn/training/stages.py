"""Recipes in stages: where each keeps its checkpoints, and what it takes over from the stages before it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from flax import traverse_util
from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.checkpoints import Checkpoints, steps_in
from jaxsyn.training.state import TrainState
from jaxsyn.training.workdir import CHECKPOINTS

# What a stage goes on with; optimisers begin anew.
TAKEN = ("params", "states", "ema", "ema_statistics")


def checkpoint_directory(workdir: Path, config: ConfigDict) -> Path:
    """The directory of the checkpoints of `config.stage`; the one of all, for a recipe without stages.

    Raises:
        UserError: no such stage.
    """
    if not config.stages:
        return workdir / CHECKPOINTS
    if config.stage not in config.stages:
        raise UserError(f"stage = {config.stage!r} is not known; choose one of {', '.join(config.stages)}")
    return workdir / CHECKPOINTS / config.stage


def earlier_checkpoint(workdir: Path, config: ConfigDict) -> tuple[Path, int] | None:
    """What `config.stage` goes on from: directory and newest step of the nearest stage before it that has a checkpoint.

    None for the first stage, and for one that has checkpoints of its own.

    Raises:
        UserError: there are stages before it, and none has a checkpoint.
    """
    if steps_in(checkpoint_directory(workdir, config)):
        return None
    earlier = config.stages[: config.stages.index(config.stage)] if config.stages else ()
    for stage in reversed(earlier):
        directory = workdir / CHECKPOINTS / stage
        steps = steps_in(directory)
        if steps:
            return directory, steps[-1]
    if earlier:
        raise UserError(
            f"{workdir} has no checkpoint of stage {' or '.join(earlier)}, from which stage {config.stage} goes on: "
            f"train with stage={earlier[-1]} in this --workdir first"
        )
    return None


def take_over(state: TrainState, directory: Path, step: int) -> TrainState:
    """The initial state of a stage with what an earlier one left: its step, and arrays of the same name and shape.

    Args:
        directory, step: of the earlier stage's checkpoint.
    """
    checkpoints = Checkpoints(directory)
    found = checkpoints.restore_as_saved(step, state.step.sharding)
    checkpoints.close()
    taken = {name: _merged(getattr(state, name), found.get(name) or {}) for name in TAKEN}
    return state.replace(step=found["step"], **taken)


def _merged(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    old = traverse_util.flatten_dict(old)

    def choose(path: tuple[str, ...], leaf: Any) -> Any:
        fits = path in old and getattr(old[path], "shape", None) == leaf.shape
        return jax.device_put(old[path], leaf.sharding) if fits else leaf

    flat = traverse_util.flatten_dict(new, keep_empty_nodes=True)
    kept = {path: leaf if leaf is traverse_util.empty_node else choose(path, leaf) for path, leaf in flat.items()}
    return traverse_util.unflatten_dict(kept)

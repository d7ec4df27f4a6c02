"""A run on its devices: its method, its frozen networks, and its state, new or restored."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jaxsyn.data import eval_batches
from jaxsyn.errors import UserError
from jaxsyn.methods import Method, build
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.frozen import load_frozen
from jaxsyn.training.sharding import batch_sharding, make_mesh, parameter_sharding, replicated
from jaxsyn.training.state import TrainState, initial_state
from jaxsyn.training.workdir import CHECKPOINTS, CONFIG, compare_config


@dataclasses.dataclass(frozen=True)
class Run:
    """A method on a mesh.

    Attributes:
        frozen: network -> given parameters, on the devices.
        template: the state as shapes with shardings.
    """

    config: ConfigDict
    method: Method
    mesh: Mesh
    frozen: Mapping[str, Any]
    template: TrainState

    def initial_state(self, batch: Mapping[str, Any]) -> TrainState:
        """The state before the first step, made where it will lie."""
        shardings = jax.tree.map(lambda leaf: leaf.sharding, self.template)
        make = jax.jit(partial(initial_state, self.method, self.config), out_shardings=shardings)
        # Hundreds of small random draws: on a CPU, optimising their code takes far longer than running it.
        options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
        return make.lower(self.frozen, batch).compile(compiler_options=options)(self.frozen, batch)


def make_run(config: ConfigDict, batch: Mapping[str, np.ndarray]) -> Run:
    """
    Args:
        batch: any global batch, as arrays or shapes.

    Raises:
        UserError: the config does not fit its devices, its data or its files of weights.
    """
    method, mesh = build(config), make_mesh(config)
    frozen = load_frozen(method)
    frozen = jax.device_put(frozen, parameter_sharding(mesh, frozen))
    shapes = {
        name: jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=batch_sharding(mesh, array))
        for name, array in batch.items()
    }
    state = jax.eval_shape(partial(initial_state, method, config), frozen, shapes)
    shardings = parameter_sharding(mesh, state).replace(states=jax.tree.map(lambda _: replicated(mesh), state.states))
    template = jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), state, shardings
    )
    return Run(config, method, mesh, frozen, template)


def restore_run(config: ConfigDict, workdir: str | Path, step: int | None = None) -> tuple[Run, TrainState]:
    """A trained run, for evaluation.

    Args:
        step: which checkpoint; None takes the newest.

    Raises:
        UserError: no such checkpoint, or one of another model.
    """
    workdir = Path(workdir)
    if not (workdir / CONFIG).exists():
        raise UserError(f"{workdir} holds no run: train one with train.py --workdir {workdir}")
    compare_config(workdir, config)
    checkpoints = Checkpoints(workdir / CHECKPOINTS)
    steps = checkpoints.steps()
    if not steps or (step is not None and step not in steps):
        raise UserError(f"{workdir} has no checkpoint {'yet' if step is None else step}; there are {steps or 'none'}")
    batch = next(iter(eval_batches(config, "val", batch_size=config.batch_size, limit=config.batch_size)))
    shapes = {name: array for name, array in batch.items() if name not in ("name", "mask")}
    run = make_run(config, shapes)
    state = checkpoints.restore(steps[-1] if step is None else step, run.template)
    checkpoints.close()
    return run, state

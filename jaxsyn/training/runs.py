"""A run on its devices: its method, and its state, new or restored."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import Method, build
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.frozen import frozen_shapes, load_frozen
from jaxsyn.training.mesh import make_mesh
from jaxsyn.training.sharding import parameter_sharding, replicated
from jaxsyn.training.stages import checkpoint_directory
from jaxsyn.training.state import TrainState, initial_state
from jaxsyn.training.step import train_step
from jaxsyn.training.workdir import CONFIG, compare_config


@dataclasses.dataclass(frozen=True)
class Run:
    """A method on a mesh.

    Attributes:
        template: the state as shapes with shardings.
    """

    config: ConfigDict
    method: Method
    mesh: Mesh
    template: TrainState

    @cached_property
    def frozen(self) -> dict[str, Any]:
        """Parameters of the networks with given weights that `Method.generate` calls, read where first asked for.

        Raises:
            UserError: a file is not set, absent, unreadable, or holds another network.
        """
        frozen = load_frozen(self.method, generating=True)
        return jax.device_put(frozen, parameter_sharding(self.mesh, frozen))

    def initial_state(self) -> TrainState:
        """The state before the first step, made where it will lie."""
        shardings = jax.tree.map(lambda leaf: leaf.sharding, self.template)
        make = jax.jit(partial(_initial_state, self.method, self.config), out_shardings=shardings)
        # Hundreds of small random draws: on a CPU, optimising their code takes far longer than running it.
        options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
        return make.lower().compile(compiler_options=options)()

    def jitted_step(self) -> Callable[..., Any]:
        """`train_step` of (state, frozen networks' parameters, batch), which reuses the state's memory."""
        shardings = jax.tree.map(lambda leaf: leaf.sharding, self.template)
        return jax.jit(
            partial(train_step, self.method, self.config),
            donate_argnums=0,
            out_shardings=(shardings, replicated(self.mesh)),
        )


def make_run(config: ConfigDict, devices: Sequence[jax.Device] | None = None) -> Run:
    """A run's parts, before any state.

    Args:
        devices: what its mesh is made of; those that jax sees by default. Others are good for compiling alone.

    Raises:
        UserError: the config does not fit its devices or its data.
    """
    method, mesh = build(config), make_mesh(config, devices)
    state = jax.eval_shape(partial(_initial_state, method, config))
    shardings = parameter_sharding(mesh, state).replace(states=jax.tree.map(lambda _: replicated(mesh), state.states))
    template = jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), state, shardings
    )
    return Run(config, method, mesh, template)


def _initial_state(method: Method, config: ConfigDict) -> TrainState:
    # Initial values depend on the frozen networks' shapes alone, so their files are not needed yet.
    frozen = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), frozen_shapes(method))
    return initial_state(method, config, frozen, blank_batch(config))


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
    checkpoints = Checkpoints(checkpoint_directory(workdir, config))
    steps = checkpoints.steps()
    if not steps or (step is not None and step not in steps):
        raise UserError(f"{workdir} has no checkpoint {'yet' if step is None else step}; there are {steps or 'none'}")
    run = make_run(config)
    state = checkpoints.restore(steps[-1] if step is None else step, run.template)
    checkpoints.close()
    return run, state

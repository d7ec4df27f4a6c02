"""What a training run is, between two steps."""

from collections.abc import Mapping
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsyn.methods import InitializingNets, Method, Nets
from jaxsyn.training.optimizer import make_optimizer

Tree = Any


@flax.struct.dataclass
class TrainState:
    """Everything that a step changes; the step's randomness follows from the config's seed and `step`.

    Attributes:
        step: int32 scalar, steps done.
        params: network -> parameters.
        states: network -> its other collections (running statistics, spectral vectors).
        optimizers: network -> optimiser state.
        ema: network -> moving average of its parameters; {} where the recipe has none.
    """

    step: jax.Array
    params: dict[str, Tree]
    states: dict[str, Tree]
    optimizers: dict[str, Tree]
    ema: dict[str, Tree]


def initial_state(
    method: Method, config: ConfigDict, frozen: Mapping[str, Tree], batch: Mapping[str, jax.Array]
) -> TrainState:
    """The state before the first step; a pure function to be jitted, or evaluated for shapes alone.

    Args:
        frozen: network -> given parameters.
        batch: any batch of the run's shapes; its values do not matter.
    """
    rng = jax.random.key(config.seed)
    trained = method.networks()
    nets = InitializingNets(modules(method), rng, frozen)
    for phase in method.phases():
        phase.loss(nets, batch, rng)
    params = {name: nets.params[name] for name in trained}
    averaged = config.ema.networks if config.ema.decay else ()
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        states={name: nets.states[name] for name in trained},
        optimizers={name: make_optimizer(config.optimizer).init(params[name]) for name in trained},
        ema={name: jax.tree.map(jnp.copy, params[name]) for name in averaged},
    )


def modules(method: Method) -> dict[str, Any]:
    """Every network of a method by name, trained and frozen."""
    return {**method.networks(), **{name: frozen.module for name, frozen in method.frozen().items()}}


def inference_nets(method: Method, state: TrainState, *, use_ema: bool) -> Nets:
    """The trained networks in evaluation mode, with averaged parameters where there are any and they are asked for."""
    params = {**state.params, **(state.ema if use_ema else {})}
    return Nets(method.networks(), params, state.states, train=False)

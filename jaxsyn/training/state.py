"""What a training run is, between two steps."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsyn.errors import UserError
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
        ema_statistics: network of `ema` -> moving average of its running statistics; {} where it keeps none.
    """

    step: jax.Array
    params: dict[str, Tree]
    states: dict[str, Tree]
    optimizers: dict[str, Tree]
    ema: dict[str, Tree]
    ema_statistics: dict[str, Tree] = flax.struct.field(default_factory=dict)


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
    averaged = [name for name in averaged_networks(config) if name in trained]
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        states={name: nets.states[name] for name in trained},
        optimizers={name: make_optimizer(config.optimizer).init(params[name]) for name in trained},
        ema={name: jax.tree.map(jnp.copy, params[name]) for name in averaged},
        ema_statistics={name: jax.tree.map(jnp.copy, running_statistics(nets.states[name])) for name in averaged},
    )


def averaged_networks(config: ConfigDict) -> tuple[str, ...]:
    """The networks that the recipe averages, of which an option may leave some out of the model.

    Raises:
        UserError: a name that is no network of the recipe, which has a rate for each.
    """
    names, known = tuple(config.ema.networks) if config.ema.decay else (), sorted(config.optimizer.learning_rate)
    for name in names:
        if name not in known:
            raise UserError(f"ema.networks names {name!r}: choose from {', '.join(known)}")
    return names


def running_statistics(collections: Mapping[str, Tree]) -> Tree:
    """Of a network's collections, the statistics that belong to its parameters and are averaged with them.

    The vectors of spectral normalisation are not among them: an average of unit vectors is none.
    """
    return collections.get("batch_stats", {})


def modules(method: Method) -> dict[str, Any]:
    """Every network of a method by name, trained and frozen."""
    return {**method.networks(), **{name: frozen.module for name, frozen in method.frozen().items()}}


def inference_nets(
    method: Method, state: TrainState, *, use_ema: bool, frozen: Mapping[str, Tree] = MappingProxyType({})
) -> Nets:
    """The trained networks in evaluation mode, with averaged parameters where there are any and they are asked for.

    Averaged parameters come with averaged running statistics: the network's own are those of other activations.

    Args:
        frozen: network -> given parameters, of those that `Method.generate` calls.
    """
    params, states = {**frozen, **state.params}, dict(state.states)
    if use_ema:
        params |= state.ema
        for name, statistics in state.ema_statistics.items():
            if statistics:
                states[name] = {**states[name], "batch_stats": statistics}
    known = modules(method)
    return Nets({name: known[name] for name in params}, params, states, train=False)

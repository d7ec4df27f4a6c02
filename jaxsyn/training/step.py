"""One training step: any list of phases, as one pure function."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from jaxsyn.methods import Method, Nets, Phase
from jaxsyn.training.optimizer import clip_by_global_norm, learning_rate, make_optimizer
from jaxsyn.training.state import TrainState, modules, running_statistics

Batch = Mapping[str, jax.Array]
Tree = Any


def train_step(
    method: Method, config: ConfigDict, state: TrainState, frozen: Mapping[str, Tree], batch: Batch
) -> tuple[TrainState, dict[str, jax.Array]]:
    """Runs the method's phases in order, each on the parameters that the one before left.

    Args:
        frozen: network -> given parameters.

    Returns:
        The next state, and float32 scalars: every term as `PHASE/TERM`, unweighted, and what was minimised as
        `PHASE/total`. The terms of a phase that rests at this step are zero.
    """
    rng = jax.random.fold_in(jax.random.key(config.seed), state.step)
    logs = {}
    for i, phase in enumerate(method.phases()):
        state, terms = _update(method, config, phase, state, frozen, batch, jax.random.fold_in(rng, i))
        logs |= {f"{phase.name}/{term}": value for term, value in terms.items()}
    average = partial(_moving_average, config.ema.decay)
    statistics = {name: running_statistics(state.states[name]) for name in state.ema_statistics}
    state = state.replace(
        step=state.step + 1,
        ema=average(state.ema, {name: state.params[name] for name in state.ema}),
        ema_statistics=average(state.ema_statistics, statistics),
    )
    return state, logs


def _moving_average(decay: float, average: Tree, new: Tree) -> Tree:
    """decay * average + (1 - decay) * new; of counts, the new ones."""

    def leaf(old: jax.Array, new: jax.Array) -> jax.Array:
        return decay * old + (1 - decay) * new if jnp.issubdtype(old.dtype, jnp.floating) else new

    return jax.tree.map(leaf, average, new)


def phase_gradients(
    method: Method,
    phase: Phase,
    params: Mapping[str, Tree],
    states: Mapping[str, Tree],
    frozen: Mapping[str, Tree],
    batch: Batch,
    rng: jax.Array,
) -> tuple[dict[str, Tree], dict[str, jax.Array], dict[str, Tree]]:
    """Gradients of one phase's loss by the networks it trains, its terms with `total`, and the networks' new states."""
    every_module = modules(method)

    def objective(trained: dict[str, Tree]) -> tuple[jax.Array, tuple[dict[str, jax.Array], dict[str, Tree]]]:
        nets = Nets(every_module, {**frozen, **params, **trained}, states, train=True)
        total, terms = phase.loss(nets, batch, rng)
        return total, ({**terms, "total": total}, nets.states)

    trained = {name: params[name] for name in phase.trains}
    gradients, (terms, states) = jax.grad(objective, has_aux=True)(trained)
    return gradients, {name: term.astype(jnp.float32) for name, term in terms.items()}, states


def _update(
    method: Method,
    config: ConfigDict,
    phase: Phase,
    state: TrainState,
    frozen: Mapping[str, Tree],
    batch: Batch,
    rng: jax.Array,
) -> tuple[TrainState, dict[str, jax.Array]]:
    def run(state: TrainState) -> tuple[TrainState, dict[str, jax.Array]]:
        gradients, terms, states = _accumulate(method, config.optimizer.accumulate, phase, state, frozen, batch, rng)
        gradients = clip_by_global_norm(gradients, config.optimizer.clip)
        params, optimizers = dict(state.params), dict(state.optimizers)
        for name in phase.trains:
            updates, optimizers[name] = make_optimizer(config.optimizer).update(gradients[name], optimizers[name])
            rate = learning_rate(config.optimizer, name, state.step)
            params[name] = jax.tree.map(lambda p, u, rate=rate: p - rate * u, params[name], updates)
        return state.replace(params=params, optimizers=optimizers, states=states), terms

    if phase.every == 1:
        return run(state)

    def rest(state: TrainState) -> tuple[TrainState, dict[str, jax.Array]]:
        return state, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(run, state)[1])

    return lax.cond(state.step % phase.every == 0, run, rest, state)


def _accumulate(
    method: Method,
    slices: int,
    phase: Phase,
    state: TrainState,
    frozen: Mapping[str, Tree],
    batch: Batch,
    rng: jax.Array,
) -> tuple[dict[str, Tree], dict[str, jax.Array], dict[str, Tree]]:
    """Gradients and terms averaged over slices of the batch, the networks' states passing from slice to slice."""
    if slices == 1:
        return phase_gradients(method, phase, state.params, state.states, frozen, batch, rng)
    # Every `slices`-th image, so that a slice is spread over all devices as the batch is.
    stacked = jax.tree.map(lambda x: jnp.moveaxis(x.reshape(-1, slices, *x.shape[1:]), 1, 0), dict(batch))

    def body(states: dict[str, Tree], inputs: tuple[Batch, jax.Array]) -> tuple[dict[str, Tree], Tree]:
        part, key = inputs
        gradients, terms, states = phase_gradients(method, phase, state.params, states, frozen, part, key)
        return states, (gradients, terms)

    first, rest = jax.tree.map(lambda x: x[0], stacked), jax.tree.map(lambda x: x[1:], stacked)
    keys = jax.random.split(rng, slices)
    states, total = body(state.states, (first, keys[0]))

    def add(carry: tuple[Tree, Tree], inputs: tuple[Batch, jax.Array]) -> tuple[tuple[Tree, Tree], None]:
        states, total = carry
        states, more = body(states, inputs)
        return (states, jax.tree.map(jnp.add, total, more)), None

    (states, total), _ = lax.scan(add, (states, total), (rest, keys[1:]))
    gradients, terms = jax.tree.map(lambda x: x / slices, total)
    return gradients, terms, states

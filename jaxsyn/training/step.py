"""One training step: any list of phases, as one pure function."""

from collections.abc import Mapping
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from ml_collections import ConfigDict

from jaxsyn.methods import Method, Nets, Phase
from jaxsyn.training.optimizer import clip_by_global_norm, hold, learning_rate, make_optimizer
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
    logs, kept = {}, {}
    for _, numbered in groupby(enumerate(method.phases()), key=lambda numbered: numbered[1].schedule):
        run = partial(_run_phases, method, config, tuple(numbered))
        state, terms, kept = run(state, frozen, batch, rng, kept)
        logs |= terms
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


class PhaseResult(NamedTuple):
    """What one phase's loss gives on a batch.

    Attributes:
        gradients: of the networks that it trains.
        terms: float32 scalars, with `total`.
        states: all networks' states after it.
        kept: what it leaves for the later phases of the step, without gradients.
    """

    gradients: dict[str, Tree]
    terms: dict[str, jax.Array]
    states: dict[str, Tree]
    kept: dict[str, Tree]


def phase_gradients(
    method: Method,
    phase: Phase,
    params: Mapping[str, Tree],
    states: Mapping[str, Tree],
    frozen: Mapping[str, Tree],
    batch: Batch,
    rng: jax.Array,
    kept: Mapping[str, Tree] | None = None,
    step: int | jax.Array = 0,
) -> PhaseResult:
    """The gradients of one phase's loss by the networks it trains, and what comes with them.

    Args:
        kept: what earlier phases of the step left.
        step: steps done before.
    """
    every_module = modules(method)

    def objective(trained: dict[str, Tree]) -> tuple[jax.Array, tuple[dict[str, jax.Array], dict[str, Tree], Tree]]:
        nets = Nets(every_module, {**frozen, **params, **trained}, states, train=True, kept=kept, step=step)
        total, terms = phase.loss(nets, batch, rng)
        return total, ({**terms, "total": total}, nets.states, lax.stop_gradient(nets.kept))

    trained = {name: params[name] for name in phase.trains}
    gradients, (terms, states, kept) = jax.grad(objective, has_aux=True)(trained)
    return PhaseResult(gradients, {name: term.astype(jnp.float32) for name, term in terms.items()}, states, kept)


def phase_update(
    method: Method,
    config: ConfigDict,
    phase: Phase,
    state: TrainState,
    frozen: Mapping[str, Tree],
    batch: Batch,
    rng: jax.Array,
    kept: Mapping[str, Tree],
    at: Mapping[str, Tree] | None = None,
) -> tuple[TrainState, dict[str, jax.Array], dict[str, Tree]]:
    """One phase's update: the new state, its terms, and what is kept for the phases after it.

    Args:
        at: network -> parameters at which the gradient is taken; by default those of the state.
    """
    start = state if at is None else state.replace(params=at)
    found = _accumulate(method, config.optimizer.accumulate, phase, start, frozen, batch, rng, kept)
    return apply_gradients(method, config, phase, state, found), found.terms, found.kept


def apply_gradients(
    method: Method, config: ConfigDict, phase: Phase, state: TrainState, found: PhaseResult
) -> TrainState:
    """The state with the networks that a phase trains moved by their gradients, and all networks' states after it."""
    largest = config.optimizer.phase_clips.get(phase.name, config.optimizer.clip)
    gradients = clip_by_global_norm(found.gradients, largest)
    params, optimizers = dict(state.params), dict(state.optimizers)
    for name in phase.trains:
        optimizer = make_optimizer(config.optimizer)
        updates, optimizers[name] = optimizer.update(gradients[name], optimizers[name], params[name])
        updates = hold(updates, method.idle_parameters().get(name, ()))
        rate = learning_rate(config.optimizer, name, state.step)
        params[name] = jax.tree.map(lambda p, u, rate=rate: p - rate * u, params[name], updates)
    return state.replace(params=params, optimizers=optimizers, states=found.states)


def _run_phases(
    method: Method,
    config: ConfigDict,
    phases: tuple[tuple[int, Phase], ...],
    state: TrainState,
    frozen: Mapping[str, Tree],
    batch: Batch,
    rng: jax.Array,
    kept: Mapping[str, Tree],
) -> tuple[TrainState, dict[str, jax.Array], Mapping[str, Tree]]:
    """The updates of neighbouring phases of one schedule, numbered: the new state, PHASE/TERM -> term, what is kept."""

    def run(state: TrainState) -> tuple[TrainState, dict[str, jax.Array], Mapping[str, Tree]]:
        logs, left, at = {}, kept, state.params
        for number, phase in phases:
            at = at if phase.beside else state.params
            key = jax.random.fold_in(rng, number)
            state, terms, left = phase_update(method, config, phase, state, frozen, batch, key, left, at)
            logs |= {f"{phase.name}/{term}": value for term, value in terms.items()}
        return state, logs, left

    first = phases[0][1]
    if first.every == 1:
        return run(state)

    # What phases keep that sometimes rest, no other may count on.
    def rest(state: TrainState) -> tuple[TrainState, dict[str, jax.Array]]:
        return state, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(run, state)[1])

    return *lax.cond(first.is_due(state.step), lambda state: run(state)[:2], rest, state), kept


def _accumulate(
    method: Method,
    slices: int,
    phase: Phase,
    state: TrainState,
    frozen: Mapping[str, Tree],
    batch: Batch,
    rng: jax.Array,
    kept: Mapping[str, Tree],
) -> PhaseResult:
    """Gradients and terms averaged over slices of the batch, the networks' states passing from slice to slice.

    What is kept has a slice axis in front, so that each slice of a later phase finds its own.
    """
    if slices == 1:
        return phase_gradients(method, phase, state.params, state.states, frozen, batch, rng, kept, state.step)
    # Every `slices`-th image, so that a slice is spread over all devices as the batch is.
    stacked = jax.tree.map(lambda x: jnp.moveaxis(x.reshape(-1, slices, *x.shape[1:]), 1, 0), dict(batch))

    def body(states: dict[str, Tree], inputs: tuple[Batch, jax.Array, Mapping[str, Tree]]) -> PhaseResult:
        part, key, kept = inputs
        return phase_gradients(method, phase, state.params, states, frozen, part, key, kept, state.step)

    every = (stacked, jax.random.split(rng, slices), kept)
    first, rest = jax.tree.map(lambda x: x[0], every), jax.tree.map(lambda x: x[1:], every)
    start = body(state.states, first)

    def add(carry: tuple[Tree, Tree], inputs: Tree) -> tuple[tuple[Tree, Tree], Tree]:
        states, total = carry
        more = body(states, inputs)
        return (more.states, jax.tree.map(jnp.add, total, (more.gradients, more.terms))), more.kept

    (states, total), others = lax.scan(add, (start.states, (start.gradients, start.terms)), rest)
    gradients, terms = jax.tree.map(lambda x: x / slices, total)
    kept = jax.tree.map(lambda x, xs: jnp.concatenate([x[None], xs]), start.kept, others)
    return PhaseResult(gradients, terms, states, kept)

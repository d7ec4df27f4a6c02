"""Gradients of a method's phase, as reference cases of losses ask for them."""

from collections.abc import Mapping
from typing import Any

import jax

from jaxsyn.methods import Method, Nets, Phase
from jaxsyn.training.state import modules
from tests.parity.case import Case
from tests.parity.semantic import frozen_of


def gradients_of(
    phase: Phase,
    method: Method,
    case: Case,
    batch: Mapping[str, jax.Array],
    params: Mapping[str, Any],
    states: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, jax.Array], dict[str, Any]]:
    """Gradients of the networks it trains, its terms with `total`, and all states after it, in the case's mode."""

    @jax.jit
    def run(params: Mapping[str, Any], states: Mapping[str, Any], frozen: Mapping[str, Any]) -> Any:
        def objective(trained: dict[str, Any]) -> tuple[jax.Array, Any]:
            nets = Nets(modules(method), {**frozen, **params, **trained}, states, train=case.mode == "train")
            total, terms = phase.loss(nets, batch, jax.random.key(0))
            return total, ({**terms, "total": total}, nets.states)

        gradients, (terms, after) = jax.grad(objective, has_aux=True)({name: params[name] for name in phase.trains})
        return gradients, terms, after

    return run(params, states, frozen_of(method))

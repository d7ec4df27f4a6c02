"""Networks applied by name inside a trace, their mutable state threaded from call to call."""

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
from jax import lax

Variables = dict[str, Any]


class Nets:
    """The networks of a method, callable by name: `nets.generator(label, style)`.

    A call in training mode updates the network's state (running statistics, spectral vectors) here, so the next call
    sees it; `states` holds the outcome. One object lives within one trace: from outside, a function that makes one,
    calls networks and returns `states` is pure.

    A loss may also leave arrays for the later phases of the same step, which find them without their gradients:
    `nets.kept["fake"] = fake`.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        params: Mapping[str, Variables],
        states: Mapping[str, Variables],
        *,
        train: bool,
        kept: Mapping[str, Any] | None = None,
        step: int | jax.Array = 0,
    ):
        """
        Args:
            modules: name -> Flax module.
            params: name -> its parameters.
            states: name -> its other collections, {"batch_stats": ..., "spectral": ...}; {} where it has none.
            train: whether collections are mutable, which puts their layers in training mode.
            kept: what earlier phases of the training step left.
            step: training steps done before, for terms whose weight changes.
        """
        self.modules = modules
        self.params = params
        self.states = dict(states)
        self.train = train
        self.kept = dict(kept or {})
        self.step = step

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__") or name not in self.modules:
            raise AttributeError(f"no network named {name!r}; there are {', '.join(self.modules)}")
        return partial(self._call, name)

    def constant(self, name: str) -> Callable[..., Any]:
        """The network of that name with parameters that no gradient reaches, though gradients reach its inputs."""
        return partial(self._call, name, constant=True)

    def _call(
        self,
        name: str,
        *args: Any,
        rngs: Mapping[str, jax.Array] | None = None,
        constant: bool = False,
        **options: Any,
    ) -> Any:
        state, params = self.states.get(name, {}), self.params[name]
        variables = {"params": lax.stop_gradient(params) if constant else params, **state}
        mutable = list(state) if self.train else []
        outputs, updated = self.modules[name].apply(variables, *args, rngs=rngs, mutable=mutable, **options)
        if mutable:
            self.states[name] = {**state, **updated}
        return outputs


class InitializingNets(Nets):
    """Makes a network's variables at its first call, from the shapes it is called with.

    So no method has to list example inputs: running its losses once makes all that they use.
    """

    def __init__(self, modules: Mapping[str, nn.Module], rng: jax.Array, params: Mapping[str, Variables]):
        """
        Args:
            rng: key of all parameters; each network's own is folded in by name.
            params: parameters that exist already (of frozen networks).
        """
        super().__init__(modules, dict(params), {}, train=True)
        self.rng = rng

    def _call(
        self,
        name: str,
        *args: Any,
        rngs: Mapping[str, jax.Array] | None = None,
        constant: bool = False,
        **options: Any,
    ) -> Any:
        if name not in self.params:
            key = jax.random.fold_in(self.rng, zlib.crc32(name.encode()))
            variables = dict(self.modules[name].init({"params": key, **(rngs or {})}, *args, **options))
            self.params[name] = variables.pop("params", {})
            self.states[name] = variables
        initial = self.states.get(name, {})
        outputs = super()._call(name, *args, rngs=rngs, constant=constant, **options)
        self.states[name] = initial
        return outputs

"""What the cases of DRIT's two forms share: options of all networks, their variables by the authors' names, figures."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from jaxsyn.methods import Batch, Method
from jaxsyn.training.step import phase_gradients
from tests.parity.adapter import Template

Options = Mapping[str, Any]
Variables = dict[str, Any]
# What cases of networks alone call them, where it is not the name that they have in a model.
GROUPS = {"model": "", "encoders": "enc_", "networks": ""}


def apply_options(config: ConfigDict, options: Options) -> None:
    """Sets what all networks have in common."""
    model = config.model
    model.width = model.discriminator.width = options.get("width", 64)
    model.attribute_dim = options.get("nz", 8)
    model.concat = bool(options.get("concat", 1))
    model.discriminator.spectral = bool(options.get("dis_spectral_norm", False))


def templates(method: Method, variables: Mapping[str, Variables], names: Mapping[str, str]) -> dict[str, Template]:
    """Each network under the authors' name, and all that a name in `GROUPS` stands for as one.

    Args:
        variables: network -> its variables, as shapes.
        names: network -> the authors' name.
    """
    rules = method.checkpoint_names()
    found = {names[name]: Template(tree, rules[name]) for name, tree in variables.items()}
    for group, prefix in GROUPS.items():
        members = [name for name in variables if names[name].startswith(prefix)]
        prefixed = tuple(rule for name in members for rule in _below(name, names[name], rules[name]))
        found[group] = Template(join({name: variables[name] for name in members}), prefixed)
    return found


def _below(ours: str, theirs: str, rules: Any) -> list[tuple[str, str]]:
    """Rules for a network that is part of another."""
    return [(rf"^{ours}\.{pattern.removeprefix('^')}", f"{theirs}.{name}") for pattern, name in rules]


def join(variables: Mapping[str, Variables]) -> Variables:
    """Network -> collections, as collection -> networks."""
    joined: Variables = {}
    for name, collections in variables.items():
        for collection, tree in collections.items():
            joined.setdefault(collection, {})[name] = tree
    return joined


def parts(variables: Variables) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of a model's variables: network -> parameters, and network -> other collections."""
    states = {
        name: {c: trees[name] for c, trees in variables.items() if c != "params" and name in trees}
        for name in variables["params"]
    }
    return dict(variables["params"]), states


def gradients(
    method: Method, batch: Batch, params: dict[str, Any], states: dict[str, Any]
) -> tuple[dict[str, jax.Array], dict[str, dict[str, Any]]]:
    """Terms of all phases as PHASE/TERM, and PHASE -> gradients, without an update between them."""
    terms, found, kept = {}, {}, {}
    for phase in method.phases():
        run = jax.jit(lambda p, s, k, b, phase=phase: phase_gradients(method, phase, p, s, {}, b, jax.random.key(0), k))
        result = run(params, states, kept, batch)
        states, kept, found[phase.name] = result.states, result.kept, result.gradients
        terms |= {f"{phase.name}/{name}": value for name, value in result.terms.items()}
    return terms, found


def norms(prefix: str, gradients: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, jax.Array]:
    """The gradient norms of networks under the authors' names, after a prefix."""
    return {f"{prefix}grad_{names[name]}": optax.global_norm(tree) for name, tree in gradients.items()}


def layers(found: list[jax.Array], prefix: str = "") -> dict[str, np.ndarray]:
    """A discriminator's logits, and statistics of its other layers."""
    outputs = {f"{prefix}layer{i}": statistics(x) for i, x in enumerate(found[:-1])}
    return {**outputs, f"{prefix}out": np.moveaxis(np.asarray(found[-1]), -1, 1)}


def statistics(x: jax.Array) -> np.ndarray:
    """Mean and deviation over positions: [B, H, W, C] -> [B, C, 2]."""
    return np.stack([np.mean(x, (1, 2)), np.std(x, (1, 2))], axis=-1)


def thinned(images: jax.Array) -> np.ndarray:
    """Every eighth row and column from the fourth, NCHW."""
    return np.moveaxis(np.asarray(images[:, 4::8, 4::8]), -1, 1)


def nhwc(array: np.ndarray) -> jax.Array:
    """Of a case's input: images NHWC, anything else as it is."""
    return jnp.asarray(np.moveaxis(array, 1, -1) if array.ndim == 4 else array)

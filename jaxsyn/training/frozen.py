"""Networks with given weights, read from the files that their authors publish."""

import os
from typing import Any

import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict
from jaxsyn.interop.state_dict import expected_shapes, from_state_dict
from jaxsyn.methods import Frozen, Method


def frozen_shapes(method: Method) -> dict[str, Any]:
    """Name -> parameters of every frozen network of a method, as shapes: what needs no file."""
    return {name: _template(frozen)["params"] for name, frozen in method.frozen().items()}


def require_frozen_files(method: Method, *, generating: bool = False) -> None:
    """
    Args:
        generating: only those of networks that `Method.generate` calls.

    Raises:
        UserError: a frozen network's file is not set or does not exist.
    """
    for frozen in _chosen(method, generating).values():
        if not frozen.weights:
            raise UserError(frozen.remedy)
        if not os.path.isfile(frozen.weights):
            raise UserError(f"{frozen.weights}: no such file of weights; correct the path in the config")


def load_frozen(method: Method, *, generating: bool = False) -> dict[str, Any]:
    """Name -> parameters of every frozen network of a method.

    Args:
        generating: only of those that `Method.generate` calls.

    Raises:
        UserError: a file is not set, absent, unreadable, or holds another network.
    """
    require_frozen_files(method, generating=generating)
    return {name: _load(frozen) for name, frozen in _chosen(method, generating).items()}


def _chosen(method: Method, generating: bool) -> dict[str, Frozen]:
    return {name: frozen for name, frozen in method.frozen().items() if frozen.generates or not generating}


def _template(frozen: Frozen) -> Any:
    inputs = jax.ShapeDtypeStruct(frozen.inputs, jnp.float32)
    return jax.eval_shape(frozen.module.init, jax.random.key(0), inputs)


def _load(frozen: Frozen) -> Any:
    template = _template(frozen)
    state_dict = read_state_dict(frozen.weights)
    # Published files hold layers after the last one that is used.
    used = {name: state_dict[name] for name in expected_shapes(template, frozen.rules) if name in state_dict}
    return from_state_dict(used, template, frozen.rules, source=frozen.weights)["params"]

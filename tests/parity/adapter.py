"""What a method's adapter, `tests/parity/METHOD.py`, hands to the runner.

An adapter has two functions:

    templates(config) -> {network name: Template}     the networks that the reference's options describe
    run(case, variables) -> Results                    what the case's outputs and scalars should be

`variables` maps a network's name to its Flax variables with the case's state; results are in the reference's layout.
"""

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from jaxsyn.errors import UserError


@dataclasses.dataclass(frozen=True)
class Template:
    """A network's variables (as shapes, `jax.eval_shape` of its init) and the rules to the reference's names."""

    variables: Mapping[str, Any]
    rules: Sequence[tuple[str, str]] = ()


@dataclasses.dataclass(frozen=True)
class Results:
    """Our values of a case's outputs and scalars.

    Attributes:
        tolerances: result -> relative error that is still right, where the case's notes allow more than usual. The
            runner accepts only figures that the notes name.
    """

    outputs: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    scalars: Mapping[str, float] = dataclasses.field(default_factory=dict)
    tolerances: Mapping[str, float] = dataclasses.field(default_factory=dict)


def find_adapter(method: str) -> ModuleType:
    """The module `tests.parity.METHOD`.

    Raises:
        UserError: there is none.
    """
    name = f"tests.parity.{method}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UserError(f"method {method!r} has no adapter; add tests/parity/{method}.py") from error

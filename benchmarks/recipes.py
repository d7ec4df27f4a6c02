"""Recipes by the words of a command line, and a batch for them to work on."""

import ast
import functools
import operator
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
from ml_collections import ConfigDict

from jaxsyn.data import eval_batches
from jaxsyn.errors import UserError

SCENES_CLASSES = 12
# The paper's shapes at a quarter of its width, for a CPU.
NARROW_SPADE = (
    "configs/spade.py:cityscapes batch_size=1 model.generator.width=16 model.discriminator.width=16 "
    "loss.weights.perceptual=0"
)


def load_recipe(text: str) -> ConfigDict:
    """The config of `configs/METHOD.py[:PRESET] [KEY=VALUE ...]`.

    Raises:
        UserError: no such file, preset or key.
    """
    recipe, *changes = text.split()
    path, _, preset = recipe.partition(":")
    if not Path(path).is_file():
        raise UserError(f"{path}: no such recipe; give configs/METHOD.py or configs/METHOD.py:PRESET")
    config = runpy.run_path(path)["get_config"](*[preset] if preset else []).lock()
    for change in changes:
        key, _, value = change.partition("=")
        *sections, last = key.split(".")
        try:
            section = functools.reduce(operator.getitem, sections, config)
            section[last] = _literal(value)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path} has no key {key!r} that takes {value!r}") from error
    return config


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def resize(config: ConfigDict, height: int, width: int) -> None:
    """Sets the size of the pictures."""
    config.data.height, config.data.width = height, width


def scenes_batch(config: ConfigDict, batch_size: int) -> dict[str, jax.Array]:
    """A batch of `scenes` as the recipe's networks take it, at its size; no pixel has a class that `scenes` has not."""
    config = ConfigDict(config.to_dict())
    config.data.update({"name": "scenes", "preprocess": "fixed", "unknown_label": None, "num_workers": 0})
    config.data.num_classes = min(config.data.num_classes, SCENES_CLASSES)
    (batch,) = eval_batches(config, batch_size=batch_size, limit=batch_size)
    return _arrays(batch)


def batch_of(config: ConfigDict) -> dict[str, jax.Array]:
    """The first training records of the recipe's data set, nothing random; of `scenes` where it has no data.root."""
    if not config.data.root:
        return scenes_batch(config, config.batch_size)
    (batch,) = eval_batches(config, "train", batch_size=config.batch_size, limit=config.batch_size)
    return _arrays(batch)


def _arrays(batch: Mapping[str, Any]) -> dict[str, jax.Array]:
    return {key: jax.numpy.asarray(array) for key, array in batch.items() if key not in ("name", "mask")}

"""Grids that show what a run makes: input, output and truth side by side."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jaxsyn.data import colour, eval_batches, num_label_classes
from jaxsyn.errors import UserError
from jaxsyn.methods import Method
from jaxsyn.training.sharding import replicated
from jaxsyn.training.state import TrainState, inference_nets

ROWS, GAP = 6, 2


class Pictures:
    """The same few records, generated anew at every call."""

    def __init__(
        self, method: Method, config: ConfigDict, mesh: Mesh, frozen: Mapping[str, Any] = MappingProxyType({})
    ):
        """
        Args:
            frozen: parameters of networks with given weights that `Method.generate` calls.
        """
        self._config = config
        try:
            batches = eval_batches(config, "val", batch_size=ROWS, limit=ROWS)
            self._batch = _arrays(next(iter(batches)))
        except UserError as error:
            print(f"pictures show training images: {error}")
            self._batch = _arrays(next(iter(eval_batches(config, "train", batch_size=ROWS, limit=ROWS))))

        def generate(state: TrainState, frozen: Mapping[str, Any], batch: Mapping[str, jax.Array]) -> jax.Array:
            nets = inference_nets(method, state, use_ema=config.eval.use_ema, frozen=frozen)
            return method.generate(nets, batch, jax.random.key(config.eval.seed))

        self._generate = jax.jit(generate, out_shardings=replicated(mesh))
        self._frozen = dict(frozen)
        self._placed = jax.device_put(self._batch, replicated(mesh))

    def __call__(self, state: TrainState) -> np.ndarray:
        """Picture uint8 [H, W, 3]: a row a record, of what is given (source or coloured label map), made, and real."""
        columns = [to_uint8(np.asarray(self._generate(state, self._frozen, self._placed)))]
        if "source" in self._batch:
            columns.insert(0, to_uint8(self._batch["source"]))
        elif "label" in self._batch:
            classes = num_label_classes(self._config.data)
            columns.insert(0, colour(self._batch["label"], classes, self._config.data.name))
        if "image" in self._batch:
            columns.append(to_uint8(self._batch["image"]))
        return grid(columns)


def to_uint8(images: np.ndarray) -> np.ndarray:
    """[-1, 1] to 0..255, rounded; values outside are cut off."""
    return np.clip(np.round((np.asarray(images, np.float32) + 1) * 127.5), 0, 255).astype(np.uint8)


def grid(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Columns of pictures, uint8 [B, H, W, 3] each, as one picture: the i-th row holds the i-th of each, white gaps."""
    pads = ((0, 0), (0, GAP), (0, GAP), (0, 0))
    padded = [np.pad(column, pads, constant_values=255) for column in columns]
    wide = np.concatenate(padded, axis=2)
    return wide.reshape(-1, *wide.shape[2:])[:-GAP, :-GAP]


def _arrays(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in batch.items() if name not in ("name", "mask")}

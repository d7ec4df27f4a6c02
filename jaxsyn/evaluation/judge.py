"""The judge of `scenes`: a segmenter of real scenes whose weights are in the package."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict, write_state_dict
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.networks.segmenter import SegmenterNet

WEIGHTS = Path(__file__).parent / "packaged" / "scenes_segmenter.npz"


class Judge(NamedTuple):
    """A segmenter with its weights, and the SHA-256 of their file."""

    network: SegmenterNet
    variables: dict[str, Any]
    sha256: str


def load_judge(path: Path = WEIGHTS) -> Judge:
    """The packaged segmenter of the twelve classes, or another one that `save_judge` wrote.

    Raises:
        UserError: the file is absent, unreadable or holds another network.
    """
    weights = read_state_dict(path)
    levels = sum(name.startswith("down_") and name.endswith("_0.conv.weight") for name in weights)
    try:
        widths = tuple(len(weights[f"down_{level}_0.conv.weight"]) for level in range(levels))
        network = SegmenterNet(len(weights["logits.bias"]), widths)
    except KeyError as error:
        raise UserError(
            f"{path}: no entry {error.args[0]}, so no judge of scenes: python -m jaxsyn.evaluation.segmenter makes one"
        ) from None
    template = jax.eval_shape(network.init, jax.random.key(0), jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32))
    variables = from_state_dict(weights, template, source=str(path))
    return Judge(network, variables, hashlib.sha256(path.read_bytes()).hexdigest())


def save_judge(variables: Mapping[str, Any], path: Path = WEIGHTS) -> None:
    """Writes a `SegmenterNet`'s variables: kernels in half precision, which is enough for them, the rest as it is."""
    write_state_dict(
        path,
        {
            name: array.astype(np.float16) if array.ndim == 4 else array
            for name, array in to_state_dict(variables).items()
            if not name.endswith("num_batches_tracked")
        },
    )

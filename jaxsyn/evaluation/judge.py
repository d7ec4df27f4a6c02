"""The judges of `scenes`, trained on real scenes, whose weights are in the package: a segmenter, and a classifier of
domains.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict, write_state_dict
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.networks.domain_classifier import DomainClassifierNet
from jaxsyn.networks.segmenter import SegmenterNet
from jaxsyn.training.runs import restore_run
from jaxsyn.training.workdir import read_config

_PACKAGED = Path(__file__).parent / "packaged"
WEIGHTS = _PACKAGED / "scenes_segmenter.npz"
DOMAIN_WEIGHTS = _PACKAGED / "scenes_domain_classifier.npz"

Network = TypeVar("Network", bound=nn.Module)


class Judge(NamedTuple, Generic[Network]):
    """A network with its weights, and the SHA-256 of their file."""

    network: Network
    variables: dict[str, Any]
    sha256: str


def load_judge(path: Path = WEIGHTS) -> Judge[SegmenterNet]:
    """The packaged segmenter of the twelve classes, or another one that `save_judge` wrote.

    Raises:
        UserError: the file is absent, unreadable or holds another network.
    """
    weights = read_state_dict(path)

    def network() -> SegmenterNet:
        return SegmenterNet(len(weights["logits.bias"]), _widths(weights, "down_", "_0.conv.weight"))

    return _judge(path, weights, network, "segmenter")


def load_domain_judge(path: Path = DOMAIN_WEIGHTS) -> Judge[DomainClassifierNet]:
    """The packaged classifier of the four domains, or another one that `save_judge` wrote.

    Raises:
        UserError: as `load_judge`.
    """
    weights = read_state_dict(path)

    def network() -> DomainClassifierNet:
        return DomainClassifierNet(len(weights["logits.bias"]), _widths(weights, "conv_", ".conv.weight"))

    return _judge(path, weights, network, "domain_classifier")


def _widths(weights: Mapping[str, np.ndarray], prefix: str, suffix: str) -> tuple[int, ...]:
    """Output channels of the levels `prefix``level``suffix`."""
    levels = sum(name.startswith(prefix) and name.endswith(suffix) for name in weights)
    return tuple(len(weights[f"{prefix}{level}{suffix}"]) for level in range(levels))


def _judge(path: Path, weights: Mapping[str, np.ndarray], network: Callable[[], Network], command: str) -> Judge:
    try:
        made = network()
    except KeyError as error:
        raise UserError(
            f"{path}: no entry {error.args[0]}, so no judge of scenes: python -m jaxsyn.evaluation.{command} makes one"
        ) from None
    template = jax.eval_shape(made.init, jax.random.key(0), jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32))
    variables = from_state_dict(weights, template, source=str(path))
    return Judge(made, variables, hashlib.sha256(path.read_bytes()).hexdigest())


def save_judge(variables: Mapping[str, Any], path: Path) -> None:
    """Writes a judge's variables: kernels in half precision, which is enough for them, the rest as it is."""
    write_state_dict(
        path,
        {
            name: array.astype(np.float16) if array.ndim == 4 else array
            for name, array in to_state_dict(variables).items()
            if not name.endswith("num_batches_tracked")
        },
    )


def package_judge(workdir: Path, method: str, network: str, path: Path) -> ConfigDict:
    """Writes the weights of a run's newest checkpoint to the package, and says so.

    Args:
        method, network: of which the run is, and which of its networks judges.

    Returns:
        The run's config.

    Raises:
        UserError: `workdir` holds no run, or one of another method.
    """
    config = read_config(workdir)
    if config.method != method:
        raise UserError(f"{workdir} holds a run of {config.method}; give one of configs/{method}.py")
    _, state = restore_run(config, workdir)
    save_judge({"params": state.params[network], **state.states[network]}, path)
    print(f"wrote {path} ({path.stat().st_size / 1e6:.2f} MB)")
    return config

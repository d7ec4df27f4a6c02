"""A trained run as one object, for use from Python."""

import dataclasses
import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data import blank_batch, num_label_classes
from jaxsyn.errors import UserError
from jaxsyn.methods import Method, Nets
from jaxsyn.training.frozen import load_frozen
from jaxsyn.training.runs import restore_run
from jaxsyn.training.state import inference_nets, modules
from jaxsyn.training.workdir import CHECKPOINTS, read_config

Array = jax.Array | np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """A method with the parameters of a checkpoint, averaged ones where the run has them.

    Attributes:
        config: the recipe that the run began with, on one device.
        step: of the checkpoint.
        params, states: network -> its parameters, and its other collections.
    """

    config: ConfigDict
    method: Method
    step: int
    params: dict[str, Any]
    states: dict[str, Any]

    def generate(self, batch: Mapping[str, Array], *, seed: int = 0, **controls: Any) -> jax.Array:
        """Images [B, H, W, 3] in [-1, 1], float32; compiled at the first call for its shapes and controls.

        Args:
            batch: what the method makes images of, as the pipeline gives it: "label" int [B, H, W], "source" float
                [B, H, W, 3] in [-1, 1], "domain" int [B], ... (see `jaxsyn.data.train_batches`). `jaxsyn.data`'s
                `eval_batches` makes such batches of a data set.
            seed: of everything that is drawn.
            controls: keyword arguments of the method's own `generate`; arrays may change without compiling again.

        Raises:
            UserError: the batch lacks an entry, a label is no class, or the controls are not the method's.
        """
        _check_labels(batch, num_label_classes(self.config.data))
        arrays = {name: value for name, value in controls.items() if isinstance(value, Array)}
        fixed = tuple(sorted((name, value) for name, value in controls.items() if name not in arrays))
        # Names and masks, which evaluation's batches hold as well, are nothing to compile for.
        batch = {name: array for name, array in batch.items() if name in blank_batch(self.config)}
        rng = jax.random.key(seed)
        return _generate(self.method, fixed, self.params, self.states, batch, arrays, rng)


def load(path: str | Path, step: int | None = None) -> Trained:
    """A trained run from its workdir, or from the directory of one of its checkpoints.

    Everything is read from there: the config as the run began, the newest checkpoint or that of `step`. It lies on
    the first device.

    Raises:
        UserError: there is no run, no such checkpoint, or no file of a network with given weights that it needs.
    """
    workdir, step = _find(Path(path), step)
    config = read_config(workdir)
    config.mesh.update(data=1, space=1, fsdp=1)
    run, state = restore_run(config, workdir, step)
    frozen = load_frozen(run.method, generating=True)
    nets = inference_nets(run.method, state, use_ema=config.eval.use_ema, frozen=frozen)
    return Trained(config, run.method, int(state.step), nets.params, nets.states)


def _find(path: Path, step: int | None) -> tuple[Path, int | None]:
    """Workdir and step of a workdir, or of WORKDIR/checkpoints[/STAGE]/STEP."""
    if path.name.isdigit() and CHECKPOINTS in (path.parent.name, path.parent.parent.name):
        above = path.parent if path.parent.name == CHECKPOINTS else path.parent.parent
        return above.parent, int(path.name)
    return path, step


def _check_labels(batch: Mapping[str, Array], num_classes: int) -> None:
    label = batch.get("label")
    if label is None or isinstance(label, jax.core.Tracer):
        return
    label = np.asarray(label)
    if label.ndim != 3 or not np.issubdtype(label.dtype, np.integer):
        raise UserError(f"label of {label.dtype} {label.shape}: expected integers [B, H, W]")
    outside = label[(label < 0) | (label >= num_classes)]
    if outside.size:
        raise UserError(f"label holds {int(outside[0])}: the classes are 0 to {num_classes - 1}")


@partial(jax.jit, static_argnums=(0, 1))
def _generate(
    method: Method,
    fixed: tuple[tuple[str, Any], ...],
    params: dict[str, Any],
    states: dict[str, Any],
    batch: dict[str, jax.Array],
    arrays: dict[str, jax.Array],
    rng: jax.Array,
) -> jax.Array:
    return generate(method, params, states, batch, rng, **dict(fixed), **arrays)


def generate(
    method: Method,
    params: dict[str, Any],
    states: dict[str, Any],
    batch: Mapping[str, jax.Array],
    rng: jax.Array,
    **controls: Any,
) -> jax.Array:
    """Images of a method's networks in evaluation mode, [B, H, W, 3] in [-1, 1] float32; to be traced.

    Raises:
        UserError: the batch lacks an entry that the method reads, or the method has no such control.
    """
    known = modules(method)
    nets = Nets({name: known[name] for name in params}, params, states, train=False)
    unknown = controls.keys() - inspect.signature(method.generate).parameters.keys()
    if unknown:
        raise UserError(f"{method.config.method} has no control {', '.join(sorted(unknown))}: see its generate")
    return method.generate(nets, _Entries(batch), rng, **controls).astype(jnp.float32)


class _Entries(dict):
    """A batch whose missing entries are errors with a remedy."""

    def __missing__(self, name: str) -> Any:
        raise UserError(f"the batch has no {name!r}, of which images are made: add it")

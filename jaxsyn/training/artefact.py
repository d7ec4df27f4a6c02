"""A trained run's making of images as one file that runs without this library."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
from jax import export
from ml_collections import ConfigDict

from jaxsyn.atomic import write_text
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.interop.stablehlo import PLATFORMS, describe, export_function, parse_controls, write_artefact
from jaxsyn.methods import Method, Nets
from jaxsyn.training.frozen import load_frozen
from jaxsyn.training.runs import restore_run
from jaxsyn.training.state import inference_nets
from jaxsyn.training.trained import generate

# Bounds what tracing with a symbol must prove, that indices of a whole batch fit 32 bits.
LARGEST_BATCH = 1024


def export_generate(
    config: ConfigDict,
    workdir: str | Path,
    output: str | Path,
    *,
    controls: Sequence[str] = (),
    batch_size: int | None = None,
    step: int | None = None,
) -> Path:
    """Writes OUTPUT/generate.stablehlo, weights included, and generate.json, which says what it takes.

    Args:
        controls: NAME=VALUE each (see `parse_controls`).
        batch_size: None: any, up to `LARGEST_BATCH`.
        step: which checkpoint; None takes the newest.

    Returns:
        The artefact's path.

    Raises:
        UserError: the run, a control, or a method that does not trace for any batch size.
    """
    run, state = restore_run(config, workdir, step)
    frozen = load_frozen(run.method, generating=True)
    nets = inference_nets(run.method, state, use_ema=config.eval.use_ema, frozen=frozen)
    exported, fixed = trace_generate(run.method, nets, controls, batch_size)
    path = Path(output) / "generate.stablehlo"
    os.makedirs(output, exist_ok=True)
    write_artefact(path, exported)
    origin = {"method": config.method, "step": int(state.step), "controls": {n: str(v) for n, v in fixed.items()}}
    write_text(path.with_suffix(".json"), json.dumps(describe(exported) | origin, indent=1) + "\n")
    return path


def trace_generate(
    method: Method,
    nets: Nets,
    controls: Sequence[str] = (),
    batch_size: int | None = None,
    platforms: Sequence[str] = PLATFORMS,
) -> tuple[export.Exported, dict[str, Any]]:
    """A method's making of images as an exported function of a batch's arrays and a seed.

    Args:
        nets: with the parameters that it will hold.
        controls, batch_size: as of `export_generate`.
        platforms: where it will run.

    Returns:
        `exported.call(inputs, seed)` -> images [B, H, W, 3], and the controls that are fixed in it.

    Raises:
        UserError: a control, or a method that does not trace for any batch size.
    """
    size = batch_size or export.symbolic_shape("batch", constraints=(f"batch <= {LARGEST_BATCH}",))[0]
    batch = {
        name: jax.ShapeDtypeStruct((size, *array.shape[1:]), array.dtype)
        for name, array in blank_batch(method.config).items()
    }
    shapes, fixed = parse_controls(controls, size)

    def images(inputs: dict[str, jax.Array], seed: jax.Array) -> jax.Array:
        given = {name: inputs[name] for name in batch}
        arrays: dict[str, Any] = {name: inputs[name] for name in shapes}
        return generate(method, nets.params, nets.states, given, jax.random.key(seed), **arrays, **fixed)

    try:
        return export_function(images, batch | shapes, platforms), fixed
    except UserError:
        raise
    except Exception as error:  # what a trace with a symbol for the batch size runs into is the method's own
        if batch_size:
            raise
        name, reason = method.config.method, str(error).strip().splitlines()[0]
        raise UserError(f"{name} does not export for any batch size ({reason}): set --batch_size") from error

"""The authors' checkpoints in and out.

python -m jaxsyn.interop import --config configs/METHOD.py[:PRESET] --workdir DIR NETWORK=FILE[:KEY] ...
python -m jaxsyn.interop export --config configs/METHOD.py[:PRESET] --workdir DIR --output DIR [--format safetensors]
python -m jaxsyn.interop export --config configs/METHOD.py[:PRESET] --workdir DIR --output DIR --format stablehlo \
    [--control NAME=VALUE ...]

`import` makes a run of the networks' state dicts, which eval.py and train.py take up; networks that are not named keep
their initial values. KEY chooses among several state dicts in a file: generator_a=gen_01000000.pt:a. `export` writes
every network of a run under the authors' names; as stablehlo, the making of images in one file that runs wherever JAX
does, without this library. A control of the method's `generate` becomes an input where VALUE is a shape
(style=float32[batch,256]), else it is fixed (way=cycle).
"""

import json
import os
import sys
from pathlib import Path

import jax
import numpy as np
from absl import flags
from jax import export
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.atomic import write_text
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict, write_state_dict
from jaxsyn.interop.stablehlo import describe, export_function, parse_controls, write_artefact
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.frozen import load_frozen
from jaxsyn.training.runs import make_run, restore_run
from jaxsyn.training.stages import checkpoint_directory
from jaxsyn.training.state import inference_nets, running_statistics
from jaxsyn.training.trained import generate
from jaxsyn.training.workdir import open_workdir

USAGE = __doc__.split("\n\n")[1]
CONFIG = config_flags.DEFINE_config_file("config", None, "Recipe: configs/METHOD.py or configs/METHOD.py:PRESET.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
OUTPUT = flags.DEFINE_string("output", None, "export: directory of the files.")
FORMAT = flags.DEFINE_enum(
    "format", "safetensors", ["torch", "safetensors", "npz", "stablehlo"], "export: kind of file."
)
CONTROL = flags.DEFINE_multi_string("control", [], "export as stablehlo: NAME=VALUE of a control.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "export as stablehlo: a fixed one; any by default.")
STEP = flags.DEFINE_integer("step", None, "export: which checkpoint; the newest by default.")
SUFFIXES = {"torch": ".pth", "safetensors": ".safetensors", "npz": ".npz"}


def import_networks(files: dict[str, str]) -> None:
    """Makes a run at step 0 from files of state dicts, by network."""
    run = make_run(CONFIG.value)
    networks = ", ".join(run.template.params)
    unknown = [name for name in files if name not in run.template.params]
    if unknown or not files:
        raise UserError(f"no network {', '.join(unknown) or 'named'}: give NETWORK=FILE for some of {networks}")
    names, unused = run.method.checkpoint_names(), run.method.unused_entries()
    state = run.initial_state()
    params, states = dict(state.params), dict(state.states)
    for name, file in files.items():
        template = {"params": params[name], **states[name]}
        variables = from_state_dict(
            _read(file), template, names.get(name, ()), source=file, unused=unused.get(name, ())
        )
        params[name] = variables.pop("params")
        states[name] = variables
    ema = {name: params[name] for name in state.ema}
    statistics = {name: running_statistics(states[name]) for name in state.ema}
    path = open_workdir(WORKDIR.value, CONFIG.value)
    checkpoints = Checkpoints(checkpoint_directory(path, CONFIG.value))
    if checkpoints.latest_step() is not None:
        raise UserError(f"{path} holds a run already, at step {checkpoints.latest_step()}; choose another --workdir")
    checkpoints.save(0, state.replace(params=params, states=states, ema=ema, ema_statistics=statistics))
    checkpoints.close()
    print(f"{', '.join(files)} imported into {path}")


def _read(source: str) -> dict[str, np.ndarray]:
    """The state dict of FILE, or of FILE:KEY."""
    file, _, key = source.rpartition(":")
    return read_state_dict(file, key) if file and not os.path.exists(source) else read_state_dict(source)


def export_networks() -> None:
    """Writes each network of a run as a state dict under the authors' names."""
    if not OUTPUT.value:
        raise UserError("export needs --output DIR")
    run, state = restore_run(CONFIG.value, WORKDIR.value, STEP.value)
    names = run.method.checkpoint_names()
    os.makedirs(OUTPUT.value, exist_ok=True)
    for name, params in state.params.items():
        if not params:  # state of the run that is no network
            continue
        path = Path(OUTPUT.value) / f"{name}{SUFFIXES[FORMAT.value]}"
        write_state_dict(path, to_state_dict({"params": params, **state.states[name]}, names.get(name, ())))
        print(path)


def export_generate() -> None:
    """Writes generate.stablehlo, and generate.json with what it takes."""
    if not OUTPUT.value:
        raise UserError("export needs --output DIR")
    run, state = restore_run(CONFIG.value, WORKDIR.value, STEP.value)
    size = BATCH_SIZE.value or export.symbolic_shape("batch")[0]
    batch = {
        name: jax.ShapeDtypeStruct((size, *array.shape[1:]), array.dtype)
        for name, array in blank_batch(CONFIG.value).items()
    }
    shapes, fixed = parse_controls(CONTROL.value, size)
    frozen = load_frozen(run.method, generating=True)
    nets = inference_nets(run.method, state, use_ema=CONFIG.value.eval.use_ema, frozen=frozen)

    def images(inputs: dict[str, jax.Array], seed: jax.Array) -> jax.Array:
        given = {name: inputs[name] for name in batch}
        controls = {name: inputs[name] for name in shapes}
        rng = jax.random.key(seed)
        return generate(run.method, nets.params, nets.states, given, rng, **controls, **fixed)

    try:
        exported = export_function(images, batch | shapes)
    except UserError:
        raise
    except Exception as error:  # what a trace with a symbol for the batch size runs into is the method's own
        if BATCH_SIZE.value:
            raise
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"{run.config.method} does not export for any batch size ({reason}): set --batch_size"
        ) from error
    os.makedirs(OUTPUT.value, exist_ok=True)
    path = Path(OUTPUT.value) / "generate.stablehlo"
    write_artefact(path, exported)
    origin = {"method": run.config.method, "step": int(state.step), "controls": {n: str(v) for n, v in fixed.items()}}
    write_text(path.with_suffix(".json"), json.dumps(describe(exported) | origin, indent=1) + "\n")
    print(f"{path}\n{path.with_suffix('.json')}")


def main(arguments: list[str]) -> None:
    """Runs the command."""
    command, rest = (arguments[0] if arguments else None), arguments[1:]
    if command == "export" and FORMAT.value == "stablehlo":
        export_generate()
    elif command == "export":
        export_networks()
    elif command != "import" or any("=" not in argument for argument in rest):
        sys.exit(USAGE)
    else:
        import_networks(dict(argument.split("=", 1) for argument in rest))


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

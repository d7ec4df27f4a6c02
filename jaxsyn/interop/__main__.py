"""The authors' checkpoints in and out.

python -m jaxsyn.interop import --config configs/METHOD.py[:PRESET] --workdir DIR NETWORK=FILE ...
python -m jaxsyn.interop export --config configs/METHOD.py[:PRESET] --workdir DIR --output DIR [--format safetensors]

`import` makes a run of the networks' state dicts, which eval.py and train.py take up; networks that are not named keep
their initial values. `export` writes every network of a run under the authors' names.
"""

import os
import sys
from pathlib import Path

from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict, write_state_dict
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.runs import make_run, restore_run
from jaxsyn.training.stages import checkpoint_directory
from jaxsyn.training.state import running_statistics
from jaxsyn.training.workdir import open_workdir

USAGE = __doc__.split("\n\n")[1]
CONFIG = config_flags.DEFINE_config_file("config", None, "Recipe: configs/METHOD.py or configs/METHOD.py:PRESET.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
OUTPUT = flags.DEFINE_string("output", None, "export: directory of the files.")
FORMAT = flags.DEFINE_enum("format", "safetensors", ["torch", "safetensors", "npz"], "export: kind of file.")
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
            read_state_dict(file), template, names.get(name, ()), source=file, unused=unused.get(name, ())
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


def main(arguments: list[str]) -> None:
    """Runs the command."""
    command, rest = (arguments[0] if arguments else None), arguments[1:]
    if command == "export":
        export_networks()
    elif command != "import" or any("=" not in argument for argument in rest):
        sys.exit(USAGE)
    else:
        import_networks(dict(argument.split("=", 1) for argument in rest))


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

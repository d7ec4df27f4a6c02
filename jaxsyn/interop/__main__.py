"""The authors' checkpoints in and out.

python -m jaxsyn.interop import --config configs/METHOD.py[:PRESET] --workdir DIR NETWORK=FILE[:KEY] ...
python -m jaxsyn.interop export --config configs/METHOD.py[:PRESET] --workdir DIR --output DIR [--format safetensors]
python -m jaxsyn.interop export --config configs/METHOD.py[:PRESET] --workdir DIR --output DIR --format stablehlo \
    [--control NAME=VALUE ...]

`import` makes a run of the networks' state dicts, which eval.py and train.py take up; networks that are not named keep
their initial values. KEY chooses among several state dicts in a file: generator_a=gen_01000000.pt:a. NETWORK_ema is a
network's moving average. `export` writes every network of a run under the authors' names, or, as stablehlo, its making
of images, in one file that runs wherever JAX does without this library. A control of the method's `generate` becomes an
input of that where VALUE is a shape (style=float32[batch,256]), else it is fixed (way=cycle).
"""

import sys

from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.errors import UserError
from jaxsyn.training.artefact import export_generate
from jaxsyn.training.exchange import export_networks, import_networks

USAGE = __doc__.split("\n\n")[1]
CONFIG = config_flags.DEFINE_config_file("config", None, "Recipe: configs/METHOD.py or configs/METHOD.py:PRESET.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
METHOD = flags.DEFINE_string("method", None, "The recipe's method, for who wants that checked.")
OUTPUT = flags.DEFINE_string("output", None, "export: directory of the files.")
FORMAT = flags.DEFINE_enum(
    "format", "safetensors", ["torch", "safetensors", "npz", "stablehlo"], "export: kind of file."
)
CONTROL = flags.DEFINE_multi_string("control", [], "export as stablehlo: NAME=VALUE of a control.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", None, "export as stablehlo: a fixed one; any by default.")
STEP = flags.DEFINE_integer("step", None, "export: which checkpoint; the newest by default.")
SUFFIXES = {"torch": ".pth", "safetensors": ".safetensors", "npz": ".npz"}


def main(arguments: list[str]) -> None:
    """Runs the command."""
    command, rest = (arguments[0] if arguments else None), arguments[1:]
    config, workdir = CONFIG.value, WORKDIR.value
    if METHOD.value not in (None, config.method):
        raise UserError(f"--method={METHOD.value}: the config is {config.method}'s")
    if command == "import" and all("=" in argument for argument in rest):
        files = dict(argument.split("=", 1) for argument in rest)
        print(f"{', '.join(files)} imported into {import_networks(config, workdir, files)}")
    elif command != "export" or rest:
        sys.exit(USAGE)
    elif not OUTPUT.value:
        raise UserError("export needs --output DIR")
    elif FORMAT.value == "stablehlo":
        options = {"controls": CONTROL.value, "batch_size": BATCH_SIZE.value, "step": STEP.value}
        path = export_generate(config, workdir, OUTPUT.value, **options)
        print(f"{path}\n{path.with_suffix('.json')}")
    else:
        for path in export_networks(config, workdir, OUTPUT.value, SUFFIXES[FORMAT.value], STEP.value):
            print(path)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

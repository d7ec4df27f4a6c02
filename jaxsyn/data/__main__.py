"""python -m jaxsyn.data inspect --config configs/METHOD.py[:PRESET] [--config.KEY=VALUE ...] [--output D] [--quick]

Lists every problem of a data set by file name, and shows what is in it.
"""

import sys

from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.data.inspect import inspect
from jaxsyn.errors import UserError

_CONFIG = config_flags.DEFINE_config_file("config", None, "The config, as train.py takes it.", lock_config=True)
_OUTPUT = flags.DEFINE_string("output", "inspect", "Folder for the contact sheets.")
_QUICK = flags.DEFINE_bool("quick", False, "Read the headers of all image files, and only data.check_records in full.")


def main(argv: list[str]) -> None:
    """Exits with status 1 where the data set has problems."""
    if argv != ["inspect"]:
        raise UserError("the command is: inspect")
    sys.exit(1 if inspect(_CONFIG.value.data, _OUTPUT.value, _QUICK.value) else 0)


if __name__ == "__main__":
    flags.mark_flag_as_required("config")
    cli.run(main)

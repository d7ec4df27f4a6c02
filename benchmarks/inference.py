"""How long methods take to make an image, side by side: python -m benchmarks.inference [--json FILE].

    python -m benchmarks.inference --height 512 --width 1024 --repeats 9
    python -m benchmarks.inference --config "configs/asapnet.py:cityscapes compute_dtype=bfloat16" \
        --config "configs/clade.py:cityscapes compute_dtype=bfloat16"

Each recipe's `generate` is compiled as one program and run on label maps of `scenes`, with new parameters: time does
not depend on them. The first recipe is what the others are compared with. On a CPU, which is rarely one's own alone,
ratios are all that is told; on other devices milliseconds too.
"""

import json

from absl import flags

from benchmarks.side_by_side import measure, table
from jaxsyn import cli
from jaxsyn.atomic import write_text
from jaxsyn.errors import UserError

RECIPES = ("configs/asapnet.py:cityscapes", "configs/pix2pixhd.py:cityscapes", "configs/spade.py:cityscapes")

CONFIGS = flags.DEFINE_multi_string("config", RECIPES, "Recipe, with KEY=VALUE behind it; the first is the reference.")
HEIGHT = flags.DEFINE_integer("height", 256, "Height of the images.", lower_bound=1)
WIDTH = flags.DEFINE_integer("width", 512, "Width of the images.", lower_bound=1)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 1, "Images made at once.", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 5, "Rounds in which every method runs once.", lower_bound=1)
JSON = flags.DEFINE_string("json", None, "File to write the figures to.")


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    figures = measure(CONFIGS.value, HEIGHT.value, WIDTH.value, BATCH_SIZE.value, REPEATS.value)
    print(table(figures))
    if JSON.value:
        write_text(JSON.value, json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    cli.run(main)

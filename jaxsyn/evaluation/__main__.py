"""Measures two folders of images against each other, without a model.

    python -m jaxsyn.evaluation compare --real DIR --fake DIR --metrics fid,kid,lpips [--json OUT]

Images of paired metrics (lpips, ssim, ...) are paired by file name. Metrics whose weights are missing say which file
they need; the others run.
"""

import argparse
import sys
from collections.abc import Sequence

from jaxsyn.errors import UserError
from jaxsyn.evaluation.compare import METRICS, compare, describe, write_json
from jaxsyn.evaluation.folders import ImageFolder
from jaxsyn.evaluation.inception import PROTOCOLS
from jaxsyn.evaluation.score import format_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    options = _parse(arguments)
    try:
        real, fake = (ImageFolder(root, options.resize) for root in (options.real, options.fake))
        metrics = tuple(name.strip() for name in options.metrics.split(",") if name.strip())
        scores = compare(real, fake, metrics, options.batch_size, options.protocol, options.download, options.seed)
        print(format_table(scores))
        if options.json:
            write_json(options.json, describe(real, fake, scores))
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jaxsyn.evaluation", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="compare")
    command = commands.add_parser("compare", help="measure a folder of images against another")
    command.add_argument("--real", required=True, help="folder of real images")
    command.add_argument("--fake", required=True, help="folder of synthesised images")
    command.add_argument("--metrics", default="fid,kid", help=f"comma-separated: {', '.join(METRICS)} (%(default)s)")
    command.add_argument("--json", help="write scores and protocol to this file")
    command.add_argument("--batch-size", type=_positive, default=32, help="images a step (%(default)s)")
    command.add_argument("--protocol", choices=PROTOCOLS, default="pytorch_fid", help="how images reach Inception")
    command.add_argument("--resize", type=_positive, nargs=2, metavar=("HEIGHT", "WIDTH"), help="Pillow bicubic")
    command.add_argument("--download", action="store_true", help="fetch missing weights whose SHA-256 is known")
    command.add_argument("--seed", type=int, default=2020, help="of subsets, splits and patches (%(default)s)")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value}: give a number of at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())

"""Typical styles of each class, which pix2pixHD draws from where no image gives a style (section 3.4).

    python -m jaxsyn.evaluation.feature_clusters --config configs/pix2pixhd.py[:PRESET] --workdir DIR [--output FILE]

The file, WORKDIR/feature_clusters.npz by default, holds `clusters` float32 [K, C, F] and `cluster_counts` int32 [K],
how many of the C each class has; `Pix2pixHd.generate` takes both under these names. Clustering needs scikit-learn
(pip install scikit-learn).
"""

from pathlib import Path

import numpy as np
from absl import flags
from ml_collections import config_flags

from jaxsyn import cli
from jaxsyn.atomic import write_arrays
from jaxsyn.errors import UserError
from jaxsyn.evaluation.region_clusters import cluster_styles, collect_styles
from jaxsyn.training.runs import restore_run

CONFIG = config_flags.DEFINE_config_file("config", None, "The recipe that the run was trained with.")
WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
OUTPUT = flags.DEFINE_string("output", None, "File to write; WORKDIR/feature_clusters.npz by default.")
SPLIT = flags.DEFINE_enum("split", "train", ["train", "val"], "Which images.")
LIMIT = flags.DEFINE_integer("limit", None, "The first images only.", lower_bound=1)
CLUSTERS = flags.DEFINE_integer("clusters", 10, "Clusters of a class, at most.", lower_bound=1)


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    run, state = restore_run(CONFIG.value, WORKDIR.value)
    classes, styles = collect_styles(run, state, SPLIT.value, LIMIT.value)
    found = cluster_styles(classes, styles, run.method.num_classes, CLUSTERS.value)
    path = Path(OUTPUT.value or Path(WORKDIR.value) / "feature_clusters.npz")
    write_arrays(path, found._asdict())
    print(f"{path}: {found.cluster_counts.sum()} clusters of {len(styles)} styles, {len(np.unique(classes))} classes")


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run(main)

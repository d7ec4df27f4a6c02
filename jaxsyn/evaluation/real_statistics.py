"""Features of the real images, kept between evaluations under a hash of everything that they depend on."""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.experimental.multihost_utils import process_allgather
from ml_collections import ConfigDict

from jaxsyn.atomic import write_arrays
from jaxsyn.data import open_source
from jaxsyn.data.files import PairedFiles
from jaxsyn.data.picture_files import PictureFiles
from jaxsyn.data.sources import split_name
from jaxsyn.evaluation.metrics.frechet import FeatureStatistics
from jaxsyn.evaluation.weights import cache_directory

# What of `config.data` decides which pixels an evaluation sees.
PIXEL_KEYS = (
    "name",
    "root",
    "height",
    "width",
    "preprocess",
    "load_size",
    "domain",
    "direction",
    "tfds_name",
    "tfds_image_key",
)


def real_identity(data: ConfigDict, split: str, count: int) -> dict[str, Any]:
    """What the first `count` images of the split "train" or "val" are, as plain values.

    Files are known by path, size and time of change; any source also by the pixels of its first image, so that a new
    version of `scenes` or of a builder is another data set.
    """
    source = open_source(data, split)
    identity = {key: data[key] for key in PIXEL_KEYS}
    identity |= {"split": split_name(data, split), "images": count}
    if isinstance(source, PairedFiles | PictureFiles):
        paths = map(source.path, range(min(count, len(source))))
        stats = ((path, os.stat(path)) for path in paths)
        identity["files"] = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    identity["first_image"] = hashlib.sha256(np.ascontiguousarray(source[0]["image"])).hexdigest()
    return identity


class RealFeatures:
    """Features of a set: their moments, and themselves where they were asked for (float32 [N, D])."""

    def __init__(self, dimension: int, keep: bool):
        self.moments = FeatureStatistics(dimension)
        self.rows: list[np.ndarray] | None = [] if keep else None

    def update(self, features: np.ndarray) -> None:
        """Adds features [N, D]."""
        self.moments.update(features)
        if self.rows is not None:
            self.rows.append(features)


class StatisticsFile:
    """The file in the cache directory that belongs to an identity; `path` says where, whether it exists or not.

    Several processes must each find it, else none uses it: all of them take the same way through the evaluation.
    """

    def __init__(self, identity: Mapping[str, Any]):
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        self.path = cache_directory() / "statistics" / f"{digest[:32]}.npz"

    def load(self, rows: bool) -> RealFeatures | None:
        """What was stored; None where there is nothing, it is damaged, or the features are wanted but not in it."""
        found = self._read(rows)
        everywhere = bool(np.all(process_allgather(np.asarray(found is not None))))
        return found if everywhere else None

    def save(self, features: RealFeatures) -> bool:
        """Writes the file whole or not at all, by the first process; False where the directory cannot be written."""
        if jax.process_index() > 0:
            return True
        moments = features.moments
        arrays = {"count": np.asarray(moments.count), "total": moments.total, "outer": moments.outer}
        if features.rows is not None:
            arrays["features"] = np.concatenate(features.rows)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_arrays(self.path, arrays)
        except OSError:
            return False
        return True

    def _read(self, rows: bool) -> RealFeatures | None:
        try:
            with np.load(self.path) as arrays:
                found = RealFeatures(len(arrays["total"]), keep=rows)
                found.moments.count = int(arrays["count"])
                found.moments.total, found.moments.outer = arrays["total"], arrays["outer"]
                if rows:
                    found.rows.append(arrays["features"])
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None
        return found

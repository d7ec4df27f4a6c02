"""Training records decoded and resized once, kept on disk (`data.cache`)."""

import functools
import hashlib
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import ConfigDict

from jaxsyn.atomic import write_arrays
from jaxsyn.errors import UserError

# Keys that change no record before its crop and flip.
_IRRELEVANT = (
    "cache",
    "check_records",
    "eval_length",
    "eval_split",
    "flip",
    "max_bad_share",
    "num_workers",
    "on_bad_record",
    "second_image",
)
_FILES = "files of the record"


class RecordCache(NamedTuple):
    """One file a record, below a folder whose name follows from all that the config says of the data.

    A record is made anew where one of its files has another size or time of change than when it was kept. Processes may
    share the folder. Where it cannot be written to, training goes on without and says so once.
    """

    folder: str

    def record(self, index: int, files: Sequence[str], make: Callable[[], dict]) -> dict:
        """The record of an index, which `make` makes of `files` where it is not kept."""
        path, state = os.path.join(self.folder, f"{index:08d}.npz"), _state(files)
        kept = _read(path)
        if kept is not None and str(kept.pop(_FILES, "")) == state:
            return kept
        record = make()
        try:
            os.makedirs(self.folder, exist_ok=True)
            write_arrays(path, {**record, _FILES: state})
        except OSError as error:
            _tell(f"data.cache: {self.folder} takes no records ({error.strerror}); training goes on without them")
        return record


def record_cache(data: ConfigDict, split: str, part: str = "") -> RecordCache | None:
    """The cache that `config.data` asks for; None: it asks for none, or the split is not for training.

    Args:
        part: which of several sets of the config the records are of.

    Raises:
        UserError: records are cut to random windows before they are resized, so that none is seen twice.
    """
    if not data.cache or split != "train":
        return None
    if data.window_share:
        raise UserError(
            f"data.cache={data.cache} keeps resized pictures, but data.window_share={data.window_share:g} cuts them "
            "before: set one of them to nothing"
        )
    relevant = {key: value for key, value in data.to_dict().items() if key not in _IRRELEVANT}
    name = hashlib.sha256(repr(sorted(relevant.items())).encode()).hexdigest()[:16]
    return RecordCache(os.path.join(data.cache, f"{data.name}-{name}", part))


def _state(files: Sequence[str]) -> str:
    """What tells whether files have changed: their sizes and times of change."""
    try:
        return repr([(os.path.basename(file), (found := os.stat(file)).st_size, found.st_mtime_ns) for file in files])
    except OSError:  # reading the file tells what is wrong with it
        return ""


def _read(path: str) -> dict | None:
    """A kept record; None where there is none, or none that can be read."""
    try:
        with np.load(path) as arrays:
            return {key: array if array.ndim else array.item() for key, array in arrays.items()}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


@functools.cache
def _tell(line: str) -> None:
    print(line, file=sys.stderr)

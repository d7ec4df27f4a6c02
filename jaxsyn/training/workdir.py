"""What lies in a run's directory beside its checkpoints."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from jaxsyn.atomic import PARTIAL, whole_file, write_text
from jaxsyn.errors import UserError
from jaxsyn.training.changes import Change, find_changes, plain
from jaxsyn.training.checkpoints import steps_in
from jaxsyn.training.config import default_config

CONFIG, METRICS, CHECKPOINTS, IMAGES = "config.json", "metrics.jsonl", "checkpoints", "images"
# The config until the step at which changes of the recipe were accepted.
CONFIG_UNTIL = "config_until_{:07d}.json"
# What keeps a second run out while one trains here; the system lets go of it when a process ends, however it ends.
LOCK = ".lock"


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Keeps other runs from training in the same directory, which is made if there is none.

    Raises:
        UserError: one is doing that, or the directory cannot be written to.
    """
    _require_writable(workdir)
    with (workdir / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"{workdir}: another process trains here; end it, choose another --workdir, or, for several processes "
                "of one run, give them --distributed"
            ) from error
        except OSError:  # a filesystem without locks
            pass
        yield


def open_workdir(workdir: str | Path, config: ConfigDict, *, accept_changes: bool = False) -> Path:
    """Makes the directory of a run, or checks that an existing one is of this config.

    What differs from the config that the run began with is printed. Before its first checkpoint, or where it enters a
    later one of its stages, a run begins anew in this respect.

    Args:
        accept_changes: of the recipe; config.json then holds the new one, and the old one is kept beside it.

    Returns:
        Its path.

    Raises:
        UserError: the directory cannot be written to, or holds a run of another method or model, or of another recipe
            without `accept_changes`.
    """
    path = Path(workdir)
    _require_writable(path)
    newest = _newest_step(path)
    if newest is None or not (path / CONFIG).exists() or _enters_stage(path, config):
        _write_config(path, config)
        return path
    changes = compare_config(path, config)
    for change in changes:
        print(f"changed since the run began: {change}")
    recipe = [str(change) for change in changes if change.kind == "recipe"]
    if recipe and not accept_changes:
        raise UserError(
            f"{path}: the recipe changed since the run began ({'; '.join(recipe)}): give --accept_changes to go on "
            "with the new one, or choose another --workdir"
        )
    if recipe:
        write_text(path / CONFIG_UNTIL.format(newest), (path / CONFIG).read_text())
        _write_config(path, config)
    return path


def sweep(workdir: Path) -> None:
    """Removes what a killed process left half written in the directory and its pictures."""
    for folder in (workdir, workdir / IMAGES):
        for path in folder.glob(PARTIAL):
            path.unlink(missing_ok=True)


def read_config(workdir: Path) -> ConfigDict:
    """The config that the run in `workdir` began with; keys that are newer than the run have their defaults.

    Raises:
        UserError: there is no run, or its config is not readable.
    """
    path = workdir / CONFIG
    if not path.exists():
        raise UserError(f"{workdir} holds no run: train one with train.py --workdir {workdir}")
    try:
        began = json.loads(path.read_text())
    except ValueError as error:
        raise UserError(
            f"{path}: not a config ({error}); remove it, and training writes that of its command line anew"
        ) from error
    if not isinstance(began, dict):
        raise UserError(f"{path}: not a config; remove it, and training writes that of its command line anew")
    return ConfigDict(_merged(default_config().to_dict(), began))


def compare_config(workdir: Path, config: ConfigDict) -> list[Change]:
    """The keys of `config` that differ from those the run in `workdir` began with.

    Raises:
        UserError: one of them decides what the checkpoints' arrays look like.
    """
    changes = find_changes(plain(read_config(workdir)), plain(config))
    structural = [str(change) for change in changes if change.kind == "structural"]
    if structural:
        raise UserError(f"{workdir} holds a run of another model ({'; '.join(structural)}); choose another --workdir")
    return changes


def _enters_stage(workdir: Path, config: ConfigDict) -> bool:
    """Whether the run in `workdir`, of the same method, is in an earlier stage than `config`."""
    began, stages = read_config(workdir), list(config.stages)
    if began.get("method") != config.method or began.stage not in stages:
        return False
    return stages.index(began.stage) < stages.index(config.stage)


def truncate_metrics(workdir: Path, step: int) -> None:
    """Drops what was logged after `step`: those steps will be made again."""
    path = workdir / METRICS
    if path.exists():
        lines = [line for line in path.read_text(errors="replace").splitlines() if _logged_step(line) <= step]
        write_text(path, "".join(f"{line}\n" for line in lines))


def _logged_step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return float("inf")  # the torn last line of a killed run


def _merged(defaults: Any, began: Any) -> Any:
    """What a run began with, over the defaults; tuples for the lists that JSON makes of them."""
    if isinstance(began, dict):
        known = defaults if isinstance(defaults, dict) else {}
        return {**known, **{key: _merged(known.get(key), value) for key, value in began.items()}}
    return tuple(_merged(None, value) for value in began) if isinstance(began, list) else began


def _require_writable(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with whole_file(path / ".writable") as probe:
            probe.touch()
        (path / ".writable").unlink()
    except OSError as error:
        raise UserError(f"{path}: cannot write there ({error.strerror}); choose another --workdir") from error


def _newest_step(workdir: Path) -> int | None:
    """Step of the newest checkpoint of any stage."""
    top = workdir / CHECKPOINTS
    folders = [top, *(path for path in top.iterdir() if path.is_dir())] if top.is_dir() else []
    return max((step for folder in folders for step in steps_in(folder)), default=None)


def _write_config(workdir: Path, config: ConfigDict) -> None:
    write_text(workdir / CONFIG, json.dumps(config.to_dict(), indent=1, default=str) + "\n")

"""What lies in a run's directory beside its checkpoints."""

import json
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from jaxsyn.atomic import write_text
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

CONFIG, METRICS, CHECKPOINTS, IMAGES = "config.json", "metrics.jsonl", "checkpoints", "images"
# Keys that a checkpoint's arrays depend on.
STRUCTURAL = (
    "method",
    "model.",
    "data.num_classes",
    "data.unknown_label",
    "data.use_instance",
    "data.use_positions",
    "ema.",
)


def open_workdir(workdir: str | Path, config: ConfigDict) -> Path:
    """Makes the directory of a run, or checks that an existing one is of this config.

    Returns:
        Its path. What else differs from the config that the run began with is printed, not refused. A run that
        enters a later one of its stages begins anew in this respect.

    Raises:
        UserError: the directory cannot be written to, or holds a run of another method or model.
    """
    path = Path(workdir)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"{path}: cannot write there ({error.strerror}); choose another --workdir") from error
    if (path / CONFIG).exists() and not _enters_stage(path, config):
        for line in compare_config(path, config):
            print(f"changed since the run began: {line}")
    else:
        write_text(path / CONFIG, json.dumps(config.to_dict(), indent=1, default=str) + "\n")
    return path


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
        raise UserError(f"{path}: not a config ({error}); restore it, or train in another --workdir") from error
    return ConfigDict(_merged(default_config().to_dict(), began))


def compare_config(workdir: Path, config: ConfigDict) -> list[str]:
    """The keys of `config` that differ from those the run in `workdir` began with, as `key: old -> new`.

    Raises:
        UserError: one of them decides what the checkpoints' arrays look like.
    """
    began = _flatten(json.loads((workdir / CONFIG).read_text()))
    now = _flatten(json.loads(json.dumps(config.to_dict(), default=str)))
    changes = {key: f"{key}: {began.get(key)} -> {now.get(key)}" for key in sorted(began.keys() | now.keys())}
    changes = {key: line for key, line in changes.items() if began.get(key) != now.get(key)}
    # A run from before there were stages has no such key.
    structural = [
        line for key, line in changes.items() if key.startswith(STRUCTURAL) or (key == "stage" and key in began)
    ]
    if structural:
        raise UserError(f"{workdir} holds a run of another model ({'; '.join(structural)}); choose another --workdir")
    return list(changes.values())


def structure(config: ConfigDict) -> dict[str, Any]:
    """The values that decide what the checkpoints' arrays look like, by dotted key."""
    return {key: value for key, value in _flatten(config.to_dict()).items() if key.startswith(STRUCTURAL)}


def _enters_stage(workdir: Path, config: ConfigDict) -> bool:
    """Whether the run in `workdir`, of the same method, is in an earlier stage than `config`."""
    began = json.loads((workdir / CONFIG).read_text())
    stages = list(config.stages)
    if began["method"] != config.method or began.get("stage") not in stages:
        return False
    return stages.index(began["stage"]) < stages.index(config.stage)


def truncate_metrics(workdir: Path, step: int) -> None:
    """Drops what was logged after `step`: those steps will be made again."""
    path = workdir / METRICS
    if path.exists():
        lines = [line for line in path.read_text().splitlines() if _logged_step(line) <= step]
        write_text(path, "".join(f"{line}\n" for line in lines))


def _logged_step(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return float("inf")  # the torn last line of a killed run


def _merged(defaults: Any, began: Any) -> Any:
    """What a run began with, over the defaults; tuples for the lists that JSON makes of them."""
    if isinstance(began, dict):
        known = defaults if isinstance(defaults, dict) else {}
        return {**known, **{key: _merged(known.get(key), value) for key, value in began.items()}}
    return tuple(_merged(None, value) for value in began) if isinstance(began, list) else began


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat

"""What of a config changed since a run began: harmless, to be accepted, or another model."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

# Keys that a checkpoint's arrays depend on, with those of `_average`.
STRUCTURAL = (
    "method",
    "model.",
    "data.num_classes",
    "data.unknown_label",
    "data.use_instance",
    "data.use_positions",
)
# Keys that say how long, where, how fast or how visibly a run goes on, and not what it learns.
HARMLESS = (
    "num_steps",
    "log_every",
    "checkpoint_every",
    "image_every",
    "eval_every",
    "keep_checkpoints",
    "modulation",
    "profile_at",
    "remat",
    "mesh.",
    "eval.",
    "data.root",
    "data.image_dir",
    "data.label_dir",
    "data.instance_dir",
    "data.domain_root",
    "data.num_workers",
    "data.check_records",
    "data.on_bad_record",
    "data.max_bad_share",
    "data.eval_split",
    "data.eval_length",
)
# Files of given weights, wherever they lie.
WEIGHTS = "_weights"


class Change(NamedTuple):
    """A key and its two values, None where there is none; a `kind` of "harmless", "recipe" or "structural"."""

    key: str
    began: Any
    now: Any
    kind: str

    def __str__(self) -> str:
        return f"{self.key}: {self.began} -> {self.now}"


def find_changes(began: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """The keys that differ between two configs as nested dicts of what JSON holds, in alphabetical order."""
    old, new = flatten(began), flatten(now)
    other_average = _average(old) != _average(new)
    found = []
    for key in sorted(old.keys() | new.keys()):
        pair = old.get(key), new.get(key)
        if pair[0] != pair[1]:
            found.append(Change(key, *pair, _kind(key, *pair, other_average)))
    return found


def structure(config: ConfigDict) -> dict[str, Any]:
    """The values that decide what the checkpoints' arrays look like, by dotted key."""
    values = flatten(config.to_dict())
    return {key: value for key, value in values.items() if key.startswith(STRUCTURAL)} | {"ema": _average(values)}


def plain(config: ConfigDict) -> dict[str, Any]:
    """A config as JSON gives it back."""
    return json.loads(json.dumps(config.to_dict(), default=str))


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one, by dotted key."""
    flat = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _kind(key: str, began: Any, now: Any, other_average: bool) -> str:
    if key.endswith(WEIGHTS) and isinstance(began, str) and isinstance(now, str):
        return "harmless"
    if key.startswith("ema."):
        return "structural" if other_average else "recipe"
    # A run from before there were stages has no such key.
    if key.startswith(STRUCTURAL) or (key == "stage" and began):
        return "structural"
    return "harmless" if key.startswith(HARMLESS) else "recipe"


def _average(flat: Mapping[str, Any]) -> list[str]:
    """The networks that have a moving average; how fast it moves makes no other model."""
    return sorted(flat.get("ema.networks") or ()) if flat.get("ema.decay") else []

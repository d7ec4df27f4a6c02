"""A reference case: CASE.json with CASE.npz beside it; or a manifest, NAME.manifest.json, without values."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from jaxsyn.errors import UserError
from tests.parity.weight_rule import fill


@dataclasses.dataclass(frozen=True)
class Case:
    """What a reference implementation computes on a small network.

    Attributes:
        name: `METHOD/FILE`, as the runner prints it.
        case: the case's own name; it starts with its kind, as in `generator_train`.
        mode: `train` or `eval`.
        config: the reference's options, under its own names.
        networks: network -> `parameters` (count of trainable scalars) and `state` (entries of the state dict).
        inputs, outputs: name -> array in the reference's layout: images [B, C, H, W] in [-1, 1], label maps
            [B, 1, H, W].
        scalars: name -> loss or gradient norm.
        stored: `NETWORK/state/NAME` -> the entries that the weight rule does not make.
    """

    name: str
    case: str
    method: str
    mode: str
    seed: int
    config: dict[str, Any]
    networks: dict[str, Any]
    inputs: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    scalars: dict[str, float]
    stored: dict[str, np.ndarray]
    notes: str
    is_manifest: bool

    def state(self, network: str) -> dict[str, np.ndarray]:
        """The network's state dict, in the reference's names and layouts."""
        state = {}
        for entry in self.networks[network]["state"]:
            name = entry["name"]
            if entry["init"] == "stored":
                state[name] = self.stored[f"{network}/state/{name}"]
            else:
                state[name] = fill(name, entry["shape"], entry["role"], self.seed)
        return state

    def shapes(self, network: str) -> dict[str, tuple[int, ...]]:
        """Entry -> shape of the network's state dict."""
        return {entry["name"]: tuple(entry["shape"]) for entry in self.networks[network]["state"]}


def load_case(path: str | Path) -> Case:
    """Reads CASE.json and its arrays, or a manifest.

    Raises:
        UserError: a file is absent or is not of the format.
    """
    path = Path(path)
    try:
        text = json.loads(path.read_text())
        is_manifest = "manifest" in text
        arrays = {} if is_manifest else _load_arrays(path.with_suffix(".npz"))
        return Case(
            name=f"{text['method']}/{path.name.removesuffix('.json')}",
            case=text["manifest"] if is_manifest else text["case"],
            method=text["method"],
            mode=text.get("mode", "eval"),
            seed=text.get("seed", 0),
            config=text["config"],
            networks=text["networks"],
            inputs=_below("in/", arrays),
            outputs={name: arrays[f"out/{name}"] for name in text.get("outputs", {})},
            scalars=text.get("scalars", {}),
            stored={name: array for name, array in arrays.items() if not name.startswith(("in/", "out/"))},
            notes=text.get("notes", ""),
            is_manifest=is_manifest,
        )
    except OSError as error:
        raise UserError(f"{error.filename or path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a reference case: {type(error).__name__} {error}") from error


def nchw_to_nhwc(images: np.ndarray) -> np.ndarray:
    """[B, C, H, W] -> [B, H, W, C]."""
    return np.moveaxis(images, 1, -1)


def nhwc_to_nchw(images: np.ndarray) -> np.ndarray:
    """[B, H, W, C] -> [B, C, H, W]."""
    return np.moveaxis(np.asarray(images), -1, 1)


def label_map(array: np.ndarray) -> np.ndarray:
    """[B, 1, H, W] -> int32 [B, H, W]."""
    return array[:, 0].astype(np.int32)


def _load_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _below(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}

"""Files of weights: name -> array in `.pth` (torch), `.safetensors` or `.npz`.

A `.pth` file is a pickle. It is read with torch's `weights_only` unpickler, which builds tensors and plain containers
and calls nothing else; PyTorch is needed for these files alone.
"""

import os
import pickle
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from jaxsyn.atomic import whole_file, write_arrays
from jaxsyn.errors import UserError

TORCH_SUFFIXES = (".pth", ".pt", ".tar", ".ckpt")
SUFFIXES = (*TORCH_SUFFIXES, ".safetensors", ".npz")
# What the three readers raise on a file that ends early or is something else.
FAULTS = (AttributeError, EOFError, KeyError, OSError, TypeError, ValueError)


def read_state_dict(path: str | os.PathLike, key: str | None = None) -> dict[str, np.ndarray]:
    """Reads a state dict: name -> array, as stored (bfloat16 becomes float32).

    Checkpoints of the PyTorch code nest their state dicts (`{"state_dict": ...}`, `{"gen": ..., "dis": ...}`). Where
    there is one it is found; of several, `key` chooses.

    Args:
        path: a `.safetensors` or `.npz` file; any other is taken for a torch one, of the zip or the older format.
        key: path of the wanted state dict in a nested torch file, joined by dots (`gen`, `nets.generator`), or the
            prefix shared by the wanted entries of a flat file, which is dropped.

    Raises:
        UserError: the file is absent, truncated, of another format, holds objects other than tensors, or several
            state dicts and no key; or the key is not in it; or torch is needed and absent.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; give the path of a {', '.join(SUFFIXES)} file")
    read = {".safetensors": _read_safetensors, ".npz": _read_npz}.get(path.suffix, _read_torch)
    content = read(path)
    return {name: _to_numpy(value) for name, value in _choose(content, key, path).items()}


def write_state_dict(path: str | os.PathLike, state_dict: Mapping[str, np.ndarray]) -> None:
    """Writes name -> array in the format of the suffix; the file appears complete or not at all.

    Raises:
        UserError: an unknown suffix, or torch is needed and absent.
    """
    path = Path(path)
    if path.suffix in TORCH_SUFFIXES:
        torch = _import_torch(path)
        content = {name: torch.from_numpy(np.array(array)) for name, array in state_dict.items()}
        with whole_file(path) as partial:
            torch.save(content, partial)
    elif path.suffix == ".safetensors":
        # safetensors writes the buffer as it lies in memory, whatever the strides.
        content = {name: np.array(array, order="C") for name, array in state_dict.items()}
        with whole_file(path) as partial:
            save_file(content, partial)
    elif path.suffix == ".npz":
        write_arrays(path, state_dict)
    else:
        raise UserError(f"{path}: {path.suffix or 'no suffix'} is not a format of weights; use {', '.join(SUFFIXES)}")


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(path)
    except (SafetensorError, *FAULTS) as error:
        raise _unreadable(path, ".safetensors file", error) from error


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, *FAULTS) as error:
        raise _unreadable(path, ".npz file of arrays", error) from error


def _read_torch(path: Path) -> Any:
    torch = _import_torch(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL (\S+)|class (\S+)|type (<class \S+)", str(error))
        if refused is None:
            raise UserError(f"{path}: not a PyTorch file; give a file that torch.save wrote") from error
        name = next(filter(None, refused.groups()))
        raise UserError(
            f"{path}: holds Python objects beside tensors ({name}), which are not loaded because they can run code; "
            "where you trust the file, load it in PyTorch and save its state_dict() alone"
        ) from error
    except (RuntimeError, *FAULTS) as error:
        raise _unreadable(path, "PyTorch file", error) from error


def _unreadable(path: Path, kind: str, error: Exception) -> UserError:
    return UserError(f"{path}: not a whole {kind} ({_line(error)}); download or export it again")


def _import_torch(path: Path) -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise UserError(
            f"{path}: {path.suffix or 'this'} files need PyTorch: pip install torch, or use .safetensors or .npz"
        ) from error
    return torch


def _to_numpy(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    value = value.detach()
    return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].split(". ")[0]


def _is_array(value: Any) -> bool:
    # A torch tensor is recognised without importing torch.
    return isinstance(value, np.ndarray) or (
        type(value).__module__.split(".")[0] == "torch" and hasattr(value, "numpy")
    )


def _choose(content: Any, key: str | None, path: Path) -> dict[str, Any]:
    found = dict(_state_dicts(content, ()))
    if key is None:
        if len(found) == 1:
            return next(iter(found.values()))
        if not found:
            raise UserError(f"{path}: holds no tensors by name; give a file with a state_dict()")
        raise UserError(f"{path}: holds several state dicts ({', '.join(found)}); choose one by its key")
    if key in found:
        return found[key]
    below = [name for name in found if name.startswith(key + ".")]
    if len(below) == 1:
        return found[below[0]]
    for entries in found.values():
        inside = {name.removeprefix(key + "."): value for name, value in entries.items() if name.startswith(key + ".")}
        if inside:
            return inside
    raise UserError(f"{path}: no state dict {key!r}; found {', '.join(map(repr, found)) or 'none'}")


def _state_dicts(content: Any, path: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]]:
    """The innermost mappings of names to tensors with their dotted paths.

    An optimiser's state lies under integers, and so is not among them.
    """
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        return []
    inner = [found for name, value in content.items() for found in _state_dicts(value, (*path, name))]
    tensors = {name: value for name, value in content.items() if _is_array(value)}
    return inner or ([(".".join(path), tensors)] if tensors else [])

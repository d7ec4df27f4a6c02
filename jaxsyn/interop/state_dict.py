"""Flax variables to the entries of a PyTorch state dict, and back.

Our module path, joined by dots, is the reference's name, and a leaf's name decides the layout:

| ours | theirs |
| --- | --- |
| params `kernel` [window..., in, out] | `weight` [out, in, window...] |
| params `transposed_kernel` [window..., in, out] | `weight` [in, out, window...] |
| params `scale` | `weight` |
| batch_stats `mean`, `var`, `count` | `running_mean`, `running_var`, `num_batches_tracked` |
| params `stacked_kernel` [K, in, out], `stacked_bias` [K, out] | K entries, `0.weight` [out, in], `0.bias` and so on |
| spectral `u` [out], `v` [window * in] | `weight_u`, `weight_v` [in * window]; the kernel beside is `weight_orig` |
| spectral `kernel` [window..., in, out] | `weight` [out, in, window...]: the normalised one, where it is stored |
| anything else | the same name and layout |

Where a reference names things otherwise, `rules` say so: pairs (regular expression, replacement), applied in order
with `re.sub` to the whole dotted name. They lead from our names to theirs only: importing works out their names from
a template of our variables and looks them up.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from flax import core, traverse_util

from jaxsyn.errors import UserError

Rules = Sequence[tuple[str, str]]
Variables = Mapping[str, Any]

KERNELS = ("kernel", "transposed_kernel")
STACKS = {"stacked_kernel": "weight", "stacked_bias": "bias"}
STATISTICS = {"mean": "running_mean", "var": "running_var", "count": "num_batches_tracked"}
VECTORS = {"u": "weight_u", "v": "weight_v"}
COUNT = "num_batches_tracked"
LISTED = 5


class _Entry(NamedTuple):
    """An entry of the state dict: the path of its leaf in our variables, and how the entry is stored.

    Their array is ours (of a stack, the part at `index`) reshaped to `split`, its axes permuted by `axes`, and
    reshaped to `shape`.
    """

    path: tuple[str, ...]
    name: str
    split: tuple[int, ...]
    axes: tuple[int, ...]
    shape: tuple[int, ...]
    index: tuple[int, ...] = ()

    def to_theirs(self, leaf: np.ndarray) -> np.ndarray:
        return leaf[self.index].reshape(self.split).transpose(self.axes).reshape(self.shape)

    def to_ours(self, array: np.ndarray, leaf: np.ndarray) -> None:
        """Writes the entry to its place in the leaf."""
        permuted = array.reshape([self.split[axis] for axis in self.axes])
        leaf[self.index] = permuted.transpose(np.argsort(self.axes)).reshape(leaf[self.index].shape)


def to_state_dict(variables: Variables, rules: Rules = ()) -> dict[str, np.ndarray]:
    """The reference's state dict for our variables.

    A module that keeps no `count` gets no `num_batches_tracked`.

    Args:
        variables: collections "params", "batch_stats", "spectral", ... of one network.
        rules: from our dotted names to the reference's.

    Raises:
        ValueError: the rules give two leaves the same name.
    """
    leaves = _flatten(variables)
    state = {}
    for entry in _entries(leaves, rules):
        array = entry.to_theirs(np.asarray(leaves[entry.path]))
        state[entry.name] = np.array(array, np.int64 if entry.path[-1] == "count" else array.dtype, order="C")
    return state


def from_state_dict(
    state_dict: Mapping[str, np.ndarray],
    template: Variables,
    rules: Rules = (),
    *,
    source: str = "the state dict",
    unused: Sequence[str] = (),
) -> dict[str, Any]:
    """Our variables with the values of the reference's state dict; the inverse of `to_state_dict`.

    A prefix `module.` (torch's DataParallel) is dropped. `num_batches_tracked` is ignored where ours keeps no
    `count`, and counts as 0 where it is absent (files from before torch 0.4.1).

    Args:
        state_dict: name -> array, as `read_state_dict` returns it.
        template: variables of the network, arrays or `jax.ShapeDtypeStruct`s; only shapes and dtypes are used.
        rules: from our dotted names to the reference's.
        source: what the error calls the state dict, such as the file's name.
        unused: regular expressions of entries that are dropped, searched for in their names.

    Returns:
        Nested dicts of NumPy arrays with the template's structure, shapes and dtypes.

    Raises:
        UserError: entries are missing, unexpected, or of another shape than the network's.
    """
    leaves = _flatten(template)
    entries = _entries(leaves, rules)
    found = _strip_data_parallel(state_dict, {entry.name for entry in entries})
    found = {name: array for name, array in found.items() if not any(re.search(u, name) for u in unused)}
    _require_fit(found, {entry.name: entry.shape for entry in entries}, source)
    variables = {}
    for entry in entries:
        leaf = leaves[entry.path]
        array = np.asarray(found[entry.name]) if entry.name in found else np.zeros(entry.shape)
        entry.to_ours(array, variables.setdefault(entry.path, np.empty(leaf.shape, leaf.dtype)))
    return traverse_util.unflatten_dict(variables)


def expected_shapes(template: Variables, rules: Rules = ()) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every entry, in the reference's layout, of the state dict that fits the template."""
    return {entry.name: entry.shape for entry in _entries(_flatten(template), rules)}


def _flatten(variables: Variables) -> dict[tuple[str, ...], Any]:
    return traverse_util.flatten_dict(core.unfreeze(variables))


def _entries(leaves: Mapping[tuple[str, ...], Any], rules: Rules) -> list[_Entry]:
    entries = [entry for path in leaves for entry in _entries_of(path, leaves, rules)]
    owners: dict[str, _Entry] = {}
    for entry in entries:
        other = owners.setdefault(entry.name, entry)
        if other is not entry:
            raise ValueError(f"{'/'.join(other.path)} and {'/'.join(entry.path)} are both named {entry.name}")
    return entries


def _entries_of(path: tuple[str, ...], leaves: Mapping[tuple[str, ...], Any], rules: Rules) -> list[_Entry]:
    collection, *module, leaf = path
    shape = tuple(leaves[path].shape)
    if collection == "params" and leaf in STACKS:
        split, axes = shape[1:], tuple(reversed(range(len(shape) - 1)))
        theirs = tuple(split[axis] for axis in axes)
        names = [_rename((*module, str(k), STACKS[leaf]), rules) for k in range(shape[0])]
        return [_Entry(path, name, split, axes, theirs, (k,)) for k, name in enumerate(names)]
    split, axes, merged = shape, tuple(range(len(shape))), False
    if collection in ("params", "spectral") and leaf in KERNELS:
        axes = _kernel_axes(len(shape), transposed=leaf == "transposed_kernel")
        is_raw = collection == "params" and ("spectral", *module, "u") in leaves
        name = "weight_orig" if is_raw else "weight"
    elif collection == "params" and leaf == "scale":
        name = "weight"
    elif collection == "batch_stats":
        name = STATISTICS.get(leaf, leaf)
    elif collection == "spectral":
        name = VECTORS.get(leaf, leaf)
        kernel = next((leaves[p] for k in KERNELS if (p := ("params", *module, k)) in leaves), None)
        if leaf == "v" and kernel is not None:
            split, merged = tuple(kernel.shape[:-1]), True
            axes = (len(split) - 1, *range(len(split) - 1))
    else:
        name = leaf
    theirs = (math.prod(split),) if merged else tuple(split[axis] for axis in axes)
    return [_Entry(path, _rename((*module, name), rules), split, axes, theirs)]


def _rename(names: tuple[str, ...], rules: Rules) -> str:
    name = ".".join(names)
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _kernel_axes(rank: int, transposed: bool) -> tuple[int, ...]:
    window = range(rank - 2)
    channels = (rank - 2, rank - 1) if transposed else (rank - 1, rank - 2)
    return (*channels, *window)


def _strip_data_parallel(state_dict: Mapping[str, np.ndarray], expected: set[str]) -> dict[str, np.ndarray]:
    prefix = "module."
    wrapped = bool(state_dict) and all(name.startswith(prefix) for name in state_dict)
    if wrapped and not any(name.startswith(prefix) for name in expected):
        return {name.removeprefix(prefix): array for name, array in state_dict.items()}
    return dict(state_dict)


def _require_fit(found: Mapping[str, np.ndarray], expected: Mapping[str, tuple[int, ...]], source: str) -> None:
    missing = [
        f"{name} {list(shape)}" for name, shape in expected.items() if name not in found and not name.endswith(COUNT)
    ]
    unexpected = [
        f"{name} {list(np.shape(array))}"
        for name, array in found.items()
        if name not in expected and not name.endswith(COUNT)
    ]
    misshaped = [
        f"{name}: expected {list(shape)}, found {list(np.shape(found[name]))}"
        for name, shape in expected.items()
        if name in found and tuple(np.shape(found[name])) != shape
    ]
    faults = {"missing": missing, "unexpected": unexpected, "of another shape": misshaped}
    if any(faults.values()):
        text = "; ".join(f"{len(names)} {kind} ({_shortened(names)})" for kind, names in faults.items() if names)
        raise UserError(f"{source} does not fit the network: {text}; compare the config with the checkpoint's options")


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")

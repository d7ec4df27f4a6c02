"""The device mesh of a run, and which ones would fit where one does not."""

import math
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict

from jaxsyn.errors import UserError

AXES = ("data", "space", "fsdp")


def make_mesh(config: ConfigDict, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """The mesh of `config.mesh`, over the first of the devices: those that jax sees, if no others are given.

    Axes: `data` splits the batch; `space` splits image height (the compiler exchanges what convolutions need of the
    neighbours); `fsdp` splits the batch too, and with it parameters and optimiser state. The devices of a process
    lie together, whatever their numbers, so that it reads one piece of the batch.

    Raises:
        UserError: sizes that the devices, the batch or the image height do not allow; says which would do.
    """
    devices = sorted(
        jax.devices() if devices is None else devices, key=lambda device: (device.process_index, device.id)
    )
    available = len(devices)
    sizes = {axis: config.mesh[axis] for axis in AXES}
    described = ", ".join(f"mesh.{axis}={size}" for axis, size in sizes.items())
    if any(size < 1 and size != -1 for size in sizes.values()) or list(sizes.values()).count(-1) > 1:
        raise UserError(f"{described}: sizes are at least 1, and at most one is -1 (all devices left)")
    fixed = math.prod(size for size in sizes.values() if size != -1)
    sizes = {axis: available // fixed if size == -1 else size for axis, size in sizes.items()}
    needed = math.prod(sizes.values())
    if needed == 0 or needed > available:
        raise UserError(
            f"{described} need {max(needed, fixed)} devices; there are {available}: lower one of them"
            f"{_or_set(_meshes_that_fit(config, available))}"
        )
    _require_division(config, sizes, available)
    used = devices[:needed]
    processes = {device.process_index for device in devices}
    if {device.process_index for device in used} != processes:
        raise UserError(
            f"{described} leave some of the {len(processes)} processes without a device: use all {available}"
            f"{_or_set(_meshes_that_fit(config, available, least=available))}"
        )
    return Mesh(np.asarray(used).reshape(tuple(sizes.values())), AXES)


def _require_division(config: ConfigDict, sizes: Mapping[str, int], available: int) -> None:
    slices = sizes["data"] * sizes["fsdp"] * config.optimizer.accumulate
    height, space = config.data.height, sizes["space"]
    fitting = _or_set(_meshes_that_fit(config, available))
    if config.batch_size % slices:
        raise UserError(
            f"batch_size={config.batch_size} does not divide by mesh.data * mesh.fsdp * optimizer.accumulate = {slices}"
            f": set batch_size to {_multiples(config.batch_size, slices)}{fitting}"
        )
    if height % space:
        raise UserError(
            f"data.height={height} does not divide by mesh.space={space}: set data.height to "
            f"{_multiples(height, space)}{fitting}"
        )


def _multiples(value: int, of: int) -> str:
    """The multiples next to a value that is none."""
    below = value // of * of
    return f"{below} or {below + of}" if below else f"{of}"


def _meshes_that_fit(config: ConfigDict, available: int, least: int = 1) -> list[str]:
    """At most three changes of one axis, that of most devices first, which leave a mesh that fits."""
    sizes = {axis: max(config.mesh[axis], 1) for axis in AXES}
    found = []
    for axis in AXES:
        for size in range(available, 0, -1):
            tried = sizes | {axis: size}
            ways = tried["data"] * tried["fsdp"] * config.optimizer.accumulate
            divides = config.batch_size % ways == 0 and config.data.height % tried["space"] == 0
            if divides and least <= math.prod(tried.values()) <= available and size != config.mesh[axis]:
                others = [f"mesh.{name}={tried[name]}" for name in AXES if config.mesh[name] == -1 and name != axis]
                found.append((-math.prod(tried.values()), [f"mesh.{axis}={size}", *others]))
                break
    return [" and ".join(settings) for _, settings in sorted(found, key=lambda entry: entry[0])]


def _or_set(settings: Sequence[str]) -> str:
    return f", or {', or '.join(settings)}" if settings else ""

"""The device mesh, and what lies where on it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from ml_collections import ConfigDict

from jaxsyn.errors import UserError

AXES = ("data", "space", "fsdp")
# Leaves smaller than this are not worth gathering: each device keeps a copy.
SMALLEST_SHARDED = 4096


def make_mesh(config: ConfigDict, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """The mesh of `config.mesh`, over the first of the devices: those that jax sees, if no others are given.

    Axes: `data` splits the batch; `space` splits image height (the compiler exchanges what convolutions need of the
    neighbours); `fsdp` splits the batch too, and with it parameters and optimiser state.

    Raises:
        UserError: sizes that the devices, the batch or the image height do not allow.
    """
    devices = jax.devices() if devices is None else devices
    available = len(devices)
    sizes = {axis: config.mesh[axis] for axis in AXES}
    fixed = math.prod(size for size in sizes.values() if size != -1)
    described = ", ".join(f"mesh.{axis}={size}" for axis, size in sizes.items())
    if any(size < 1 and size != -1 for size in sizes.values()) or list(sizes.values()).count(-1) > 1:
        raise UserError(f"{described}: sizes are at least 1, and at most one is -1 (all devices left)")
    sizes = {axis: available // fixed if size == -1 else size for axis, size in sizes.items()}
    needed = math.prod(sizes.values())
    if needed == 0 or needed > available:
        raise UserError(f"{described} need {max(needed, fixed)} devices; there are {available}: lower one of them")
    batch_ways = sizes["data"] * sizes["fsdp"]
    slices = batch_ways * config.optimizer.accumulate
    if config.batch_size % slices:
        raise UserError(
            f"batch_size={config.batch_size} does not divide by mesh.data * mesh.fsdp * optimizer.accumulate = {slices}"
            f": set batch_size to a multiple of {slices}, or mesh.data to 1"
        )
    if config.data.height % sizes["space"]:
        raise UserError(f"data.height={config.data.height} does not divide by mesh.space={sizes['space']}")
    return Mesh(np.asarray(devices[:needed]).reshape(tuple(sizes.values())), AXES)


def replicated(mesh: Mesh) -> NamedSharding:
    """A copy on every device."""
    return NamedSharding(mesh, P())


def batch_sharding(mesh: Mesh, array: Any) -> NamedSharding:
    """Of one array of a batch: [B] or [B, D] by batch; [B, H, W, ...] by batch and height."""
    axes = (("data", "fsdp"), "space") if len(array.shape) >= 3 else (("data", "fsdp"),)
    return NamedSharding(mesh, P(*axes))


def put_batch(mesh: Mesh, batch: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    """This process's share of a batch as global arrays; the transfer runs on while the caller goes on."""
    return {
        name: jax.make_array_from_process_local_data(batch_sharding(mesh, array), array)
        for name, array in batch.items()
    }


def parameter_sharding(mesh: Mesh, tree: Any) -> Any:
    """Shardings of a tree of arrays (or shapes): the longest axis that divides, over `fsdp`."""
    ways = mesh.shape["fsdp"]

    def of(leaf: Any) -> NamedSharding:
        axes = [i for i, size in enumerate(leaf.shape) if size % ways == 0]
        if ways == 1 or not axes or math.prod(leaf.shape) < SMALLEST_SHARDED:
            return replicated(mesh)
        longest = max(axes, key=lambda i: leaf.shape[i])
        return NamedSharding(mesh, P(*(None,) * longest, "fsdp"))

    return jax.tree.map(of, tree)

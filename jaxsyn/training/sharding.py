"""What lies where on a device mesh."""

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxsyn.errors import UserError
from jaxsyn.training.mesh import AXES

# Leaves smaller than this are not worth gathering: each device keeps a copy.
SMALLEST_SHARDED = 4096


def replicated(mesh: Mesh) -> NamedSharding:
    """A copy on every device."""
    return NamedSharding(mesh, P())


def batch_sharding(mesh: Mesh, array: Any) -> NamedSharding:
    """Of one array of a batch: [B] or [B, D] by batch; [B, H, W, ...] by batch and height."""
    axes = (("data", "fsdp"), "space") if len(array.shape) >= 3 else (("data", "fsdp"),)
    return NamedSharding(mesh, P(*axes))


@cache
def process_share(mesh: Mesh) -> dict[str, int]:
    """Which piece of the batch this process reads, as `process_index` and `process_count` of the data pipeline.

    Processes that hold different parts of the same images, because `space` spans them, read the same piece.

    Raises:
        UserError: the process's devices hold scattered pieces of the batch.
    """
    ways = mesh.shape["data"] * mesh.shape["fsdp"]
    rows = np.moveaxis(mesh.devices, AXES.index("space"), -1).reshape(ways, -1)
    held = [i for i, row in enumerate(rows) if any(device.process_index == jax.process_index() for device in row)]
    first, size = held[0], len(held)
    if held != list(range(first, first + size)) or ways % size or first % size:
        sizes = ", ".join(f"mesh.{axis}={length}" for axis, length in mesh.shape.items())
        raise UserError(
            f"{sizes}: process {jax.process_index()} would hold scattered pieces {held} of the batch's {ways}: make "
            "mesh.space * mesh.fsdp a divisor or a multiple of a process's devices"
        )
    return {"process_index": first // size, "process_count": ways // size}


def put_batch(mesh: Mesh, batch: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    """This process's share of a batch as global arrays; the transfer runs on while the caller goes on.

    Args:
        batch: the piece that `process_share` says, of whole images.
    """
    pieces = process_share(mesh)["process_count"]
    return {
        name: jax.make_array_from_process_local_data(
            batch_sharding(mesh, array), array, (array.shape[0] * pieces, *array.shape[1:])
        )
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

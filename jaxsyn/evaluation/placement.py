"""Where the weights of the networks that measure lie."""

from typing import Any

import jax
from jax.sharding import NamedSharding, PartitionSpec


def place_beside(variables: Any, images: jax.Array) -> Any:
    """A copy of the variables on every device that holds a part of the images; free where they lie there already."""
    sharding = getattr(images, "sharding", None)
    if isinstance(sharding, NamedSharding):
        return jax.device_put(variables, NamedSharding(sharding.mesh, PartitionSpec()))
    return jax.device_put(variables)

"""How deep an edge pixel lies in the edges of an instance map (ASAP-Net's `instance_dist`)."""

import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.layers.label_map import instance_edges

FAR = 1e9


def edge_distances(instance: jax.Array) -> jax.Array:
    """Distance in pixels of each edge pixel to the nearest that is no edge; 0 beside the edges.

    As in the authors' code the batch is an axis like the others: the same place in the next image is one pixel away.

    Args:
        instance: [B, H, W] integers; an edge is where ids of neighbours differ.

    Returns:
        [B, H, W, 1] float32.
    """
    squared = instance_edges(instance)[..., 0] * FAR
    # The exact Euclidean transform, axis by axis (Felzenszwalb and Huttenlocher 2012).
    for axis in range(3):
        squared = _nearest_along(squared, axis)
    return jnp.sqrt(squared)[..., None]


def _nearest_along(squared: jax.Array, axis: int) -> jax.Array:
    """min over j of squared[j] + (i - j)^2 along one axis."""
    lines = jnp.moveaxis(squared, axis, -1)
    places = jnp.arange(lines.shape[-1], dtype=jnp.float32)
    steps = jnp.square(places[:, None] - places)
    nearest = lax.map(lambda step: (lines + step).min(-1), steps)
    return jnp.moveaxis(nearest, 0, axis)

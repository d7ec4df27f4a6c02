"""Convolutions over images whose rows are split over devices.

XLA's partitioner (jaxlib 0.10 and 0.11) computes wrong sums, without a word, for a convolution whose window reaches
past a neighbouring device's rows: it adds up results of devices that hold other images. Kernel gradients go wrong
where a stride does not divide a device's rows. Such maps are small or rare, so they keep their height whole.
"""

import jax
from jax import lax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

SPACE = "space"  # the mesh axis over which image height may be split


def needs_whole_rows(x: jax.Array, window: int, stride: int = 1) -> bool:
    """Whether a convolution of x [B, H, W, C] comes out right only with the height on one device.

    False where the mesh that x lies on has no axis `space`, or just one device along it.
    """
    devices = jax.typeof(x).sharding.mesh.shape.get(SPACE, 1)
    few = x.shape[1] < window * stride * devices
    uneven = stride > 1 and window % 2 == 1 and x.shape[1] % (stride * devices) != 0
    return devices > 1 and (few or uneven)


def whole_rows(x: jax.Array) -> jax.Array:
    """x [B, H, W, C] with its height on one device; how the other axes are split stays the compiler's choice."""
    free = P.UNCONSTRAINED
    return lax.with_sharding_constraint(x, NamedSharding(jax.typeof(x).sharding.mesh, P(free, None, free, free)))

"""The distinct neighbourhoods of a label map, which are few: large regions look alike everywhere.

Two 3x3 convolutions in a row see 5x5 pixels. Of the 131,072 neighbourhoods of that size in a Cityscapes map at 256x512,
9 in 100 are distinct, instance edges included, and of those of 3x3 pixels, which the first convolution sees, 3.
"""

import flax.struct
import jax
import jax.numpy as jnp

from jaxsyn.layers.distinct import distinct
from jaxsyn.layers.windows import windows

SIZE = 3  # window of each of the two convolutions
OUTSIDE = -1  # the key of what lies outside the image
ROWS = 512  # the tables' lengths are multiples of it: they are worked through in blocks


@flax.struct.dataclass
class Neighbourhoods:
    """Of a map of integer keys that two convolutions pass over, with zeros around both of their inputs.

    Attributes:
        keys: [B, H, W] int32, what a pixel shows: equal keys mean equal pixels.
        small: [V, 9] int32, the keys of the distinct 3x3 neighbourhoods, `OUTSIDE` where there is none. Row 0 is none
            itself: it stands for what lies outside the map that the first convolution makes.
        large: [U, 9] int32, the distinct 5x5 neighbourhoods, as the rows of `small` at their nine middle pixels; V in
            rows that are not in use.
        index: [B, H, W] int32, each pixel's row of `large`.
        small_count, large_count: int32, rows in use, the first ones.
        fits: bool, whether all neighbourhoods have found room.
        everywhere: whether they are of use on every platform, and not on a CPU alone.
    """

    keys: jax.Array
    small: jax.Array
    large: jax.Array
    index: jax.Array
    small_count: jax.Array
    large_count: jax.Array
    fits: jax.Array
    everywhere: bool = flax.struct.field(pytree_node=False, default=False)


def find_neighbourhoods(keys: jax.Array, small_share: float = 3 / 8, large_share: float = 5 / 8) -> Neighbourhoods:
    """The distinct neighbourhoods of keys [B, H, W], integers from zero up.

    Args:
        small_share, large_share: room for distinct neighbourhoods of 3x3 and 5x5 pixels, as a share of all pixels.
            With so many of them, convolving them alone takes about as long as convolving the map.
    """
    pixels = keys.size
    capacities = [max(ROWS, int(share * pixels) // ROWS * ROWS) for share in (small_share, large_share)]
    taps = _taps(keys, OUTSIDE)
    small = distinct(taps, capacities[0] - 1)
    keys_of_small = taps[:, small.first].T
    in_use = jnp.arange(capacities[0] - 1)[:, None] < small.count
    keys_of_small = jnp.pad(jnp.where(in_use, keys_of_small, OUTSIDE), ((1, 0), (0, 0)), constant_values=OUTSIDE)
    taps = _taps((small.index + 1).reshape(keys.shape), 0)
    large = distinct(taps, capacities[1])
    rows_of_large = taps[:, large.first].T
    in_use = jnp.arange(capacities[1])[:, None] < large.count
    return Neighbourhoods(
        keys=keys,
        small=keys_of_small,
        large=jnp.where(in_use, rows_of_large, capacities[0]),
        index=large.index.reshape(keys.shape),
        small_count=small.count + 1,
        large_count=large.count,
        fits=(small.count < capacities[0]) & (large.count <= capacities[1]),
    )


def _taps(keys: jax.Array, around: int) -> jax.Array:
    """What each pixel's window holds, [9, pixels]."""
    border = SIZE // 2
    padded = jnp.pad(keys, ((0, 0), (border, border), (border, border)), constant_values=around)
    return jnp.stack(windows(padded, SIZE)).reshape(SIZE * SIZE, -1)

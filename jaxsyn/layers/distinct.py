"""Which of many rows of integers are equal, found without sorting them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

ROUNDS = 2
PLACES = 4  # of the hash table, for each row at least


class Distinct(NamedTuple):
    """The distinct rows among N.

    Attributes:
        index: [N] int32, number of the distinct row that each row equals.
        first: [capacity] int32, where each distinct row is found; 0 behind the last.
        count: int32, how many there are. More than the capacity: `first` leaves the last ones out.
    """

    index: jax.Array
    first: jax.Array
    count: jax.Array


def distinct(columns: jax.Array, capacity: int) -> Distinct:
    """The distinct rows of the table whose columns [C, N] int32 are given.

    Rows meet in a hash table, where each is compared with the one that holds its place: equal numbers mean equal rows.
    A row that finds its place taken in every round counts as distinct from all others, which costs room, no more. Far
    fewer than one in a thousand do.
    """
    count = columns.shape[1]
    own = jnp.arange(count, dtype=jnp.int32)
    bits = (PLACES * count - 1).bit_length()
    # Sums of odd multiples, of which the upper bits are kept (Dietzfelbinger et al. 1997).
    factors = np.random.default_rng(0).integers(0, 2**31, (ROUNDS, columns.shape[0]), np.uint32) * 2 + 1

    def meet(carry: tuple[jax.Array, jax.Array], factors: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
        holder, pending = carry
        mixed = (columns.astype(jnp.uint32) * factors[:, None]).sum(0, dtype=jnp.uint32)
        place = (mixed >> (32 - bits)).astype(jnp.int32)
        held = jnp.full(1 << bits, count, jnp.int32).at[jnp.where(pending, place, 1 << bits)].min(own, mode="drop")
        found = jnp.minimum(held[place], count - 1)
        equal = pending & (columns[:, found] == columns).all(0)
        return (jnp.where(equal, found, holder), pending & ~equal), None

    (holder, _), _ = lax.scan(meet, (own, jnp.ones(count, bool)), jnp.asarray(factors))
    is_first = holder == own
    number = jnp.cumsum(is_first, dtype=jnp.int32) - 1
    first = jnp.zeros(capacity, jnp.int32).at[jnp.where(is_first, number, capacity)].set(own, mode="drop")
    return Distinct(number[holder], first, number[-1] + 1)

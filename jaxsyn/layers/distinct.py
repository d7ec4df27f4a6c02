"""Which of many rows of integers are equal, found without sorting them."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

# Odd numbers with bits everywhere; a row whose place in one round is taken by another gets a new one in the next.
MULTIPLIERS = (0x9E3779B1, 0x85EBCA6B)
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


def distinct(columns: Sequence[jax.Array], capacity: int) -> Distinct:
    """The distinct rows of the table whose columns [N] int32 are given.

    Rows meet in a hash table, where each is compared with the one that holds its place: equal numbers mean equal rows.
    A row that finds its place taken in every round counts as distinct from all others, which costs room, no more. Far
    fewer than one in ten thousand do.
    """
    (count,) = columns[0].shape
    own = jnp.arange(count, dtype=jnp.int32)
    places = 1 << (PLACES * count - 1).bit_length()
    holder, pending = own, jnp.ones(count, bool)
    for multiplier in MULTIPLIERS:
        place = (_hash(columns, multiplier) & jnp.uint32(places - 1)).astype(jnp.int32)
        table = jnp.full(places, count, jnp.int32)
        table = table.at[jnp.where(pending, place, places)].min(own, mode="drop")
        found = jnp.minimum(table[place], count - 1)
        equal = pending
        for column in columns:
            equal &= column[found] == column
        holder = jnp.where(equal, found, holder)
        pending &= ~equal
    is_first = holder == own
    number = jnp.cumsum(is_first, dtype=jnp.int32) - 1
    first = jnp.zeros(capacity, jnp.int32).at[jnp.where(is_first, number, capacity)].set(own, mode="drop")
    return Distinct(number[holder], first, number[-1] + 1)


def _hash(columns: Sequence[jax.Array], multiplier: int) -> jax.Array:
    mixed = jnp.zeros(columns[0].shape, jnp.uint32)
    for column in columns:
        mixed = (mixed ^ column.astype(jnp.uint32)) * jnp.uint32(multiplier)
        mixed ^= mixed >> 15
    return mixed * jnp.uint32(multiplier) ^ mixed >> 13

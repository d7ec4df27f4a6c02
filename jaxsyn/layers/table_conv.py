"""Two convolutions over a map of keys, computed for its distinct neighbourhoods alone.

What the first one gives at a pixel depends on 3x3 keys, what the second one gives on 5x5. So the first is computed once
for each distinct 3x3 neighbourhood, its products with the second's kernel once for each of them and each tap, their sums
once for each distinct 5x5 neighbourhood, and every pixel looks its own up. Exact, gradients too.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.layers.neighbourhoods import ROWS, Neighbourhoods

Tables = tuple[jax.Array, ...]
Decode = Callable[[jax.Array], tuple[jax.Array, ...]]


def convolve_table(
    decode: Decode,
    found: Neighbourhoods,
    tables: Tables,
    hidden_bias: jax.Array,
    kernel: jax.Array,
) -> jax.Array:
    """The second convolution of relu(the first), [B, H, W, features], for neighbourhoods that all fit.

    Args:
        decode: keys of any shape -> row of each of `tables` that such a pixel shows; one behind the last is none.
        tables: the first convolution's kernels, [9, rows, hidden] each: it sums a row of each for every tap.
        hidden_bias: [hidden].
        kernel: of the second convolution, [9, hidden, features].
    """
    hidden = _hidden(decode, found, tables, hidden_bias)
    features = kernel.shape[-1]
    products = jnp.zeros((len(hidden), features), jnp.float32)
    sums = jnp.zeros((len(found.large), features), jnp.float32)

    def tap(carry: tuple[jax.Array, jax.Array], inputs: tuple[jax.Array, jax.Array]) -> tuple[tuple, None]:
        part, rows = inputs
        products, sums = carry
        products = _blockwise(
            found.small_count, products, lambda block, _: _matmul(_rows(hidden, block), part).astype(products.dtype)
        )
        sums = _blockwise(
            found.large_count,
            sums,
            lambda block, old: old + products.at[_rows(rows, block)].get(mode="clip"),
        )
        return (products, sums), None

    (_, sums), _ = lax.scan(tap, (products, sums), (kernel, found.large.T))
    return sums.astype(kernel.dtype).at[found.index].get(mode="clip")


def table_gradients(
    decode: Decode,
    found: Neighbourhoods,
    tables: Tables,
    hidden_bias: jax.Array,
    kernel: jax.Array,
    gradient: jax.Array,
) -> tuple[Tables, jax.Array, jax.Array]:
    """The gradients of `convolve_table` by tables, bias and kernel, given that by its result."""
    hidden = _hidden(decode, found, tables, hidden_bias)
    features = kernel.shape[-1]
    of_sums = jnp.zeros((len(found.large), features), jnp.float32)
    of_sums = of_sums.at[found.index.reshape(-1)].add(gradient.reshape(-1, features).astype(jnp.float32))
    of_products = jnp.zeros((len(hidden), features), jnp.float32)
    of_hidden = jnp.zeros(hidden.shape, jnp.float32)

    def tap(carry: tuple[jax.Array, jax.Array], inputs: tuple[jax.Array, jax.Array]) -> tuple[tuple, jax.Array]:
        part, rows = inputs
        of_products, of_hidden = carry

        def add(i: jax.Array, of_products: jax.Array) -> jax.Array:
            return of_products.at[_rows(rows, i)].add(_rows(of_sums, i), mode="drop")

        of_products = lax.fori_loop(0, _blocks(found.large_count), add, of_products)

        def take(i: jax.Array, carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
            of_products, of_hidden, of_part = carry
            block = _rows(of_products, i).astype(part.dtype)
            of_part += _matmul(_rows(hidden, i).T, block)
            of_hidden = _put(of_hidden, _rows(of_hidden, i) + _matmul(block, part.T), i)
            return _put(of_products, jnp.zeros_like(block, of_products.dtype), i), of_hidden, of_part

        start = (of_products, of_hidden, jnp.zeros(part.shape, jnp.float32))
        of_products, of_hidden, of_part = lax.fori_loop(0, _blocks(found.small_count), take, start)
        return (of_products, of_hidden), of_part

    (_, of_hidden), of_kernel = lax.scan(tap, (of_products, of_hidden), (kernel, found.large.T))

    def look_back(i: jax.Array, carry: tuple[Tables, jax.Array]) -> tuple[Tables, jax.Array]:
        of_tables, of_bias = carry
        block = jnp.where(_rows(hidden, i) > 0, _rows(of_hidden, i), 0)
        added = []
        for table, rows in zip(of_tables, decode(_rows(found.small, i)), strict=True):
            for t in range(table.shape[0]):
                table = table.at[t, rows[:, t]].add(block, mode="drop")
            added.append(table)
        return tuple(added), of_bias + block.sum(0)

    start = (tuple(jnp.zeros(table.shape, jnp.float32) for table in tables), jnp.zeros(hidden_bias.shape, jnp.float32))
    of_tables, of_bias = lax.fori_loop(0, _blocks(found.small_count), look_back, start)
    of_tables = tuple(of.astype(table.dtype) for of, table in zip(of_tables, tables, strict=True))
    return of_tables, of_bias.astype(hidden_bias.dtype), of_kernel.astype(kernel.dtype)


def _hidden(decode: Decode, found: Neighbourhoods, tables: Tables, bias: jax.Array) -> jax.Array:
    """relu(the first convolution) of every small neighbourhood in use, [V, hidden]; zero in row 0."""

    def look_up(block: jax.Array, _: jax.Array) -> jax.Array:
        total = bias.astype(jnp.float32)
        for table, rows in zip(tables, decode(_rows(found.small, block)), strict=True):
            for t in range(table.shape[0]):
                total += table.at[t, rows[:, t]].get(mode="fill", fill_value=0).astype(jnp.float32)
        numbers = block * ROWS + jnp.arange(ROWS)[:, None]
        return jnp.where(numbers > 0, jax.nn.relu(total), 0).astype(tables[0].dtype)

    hidden = jnp.zeros((len(found.small), tables[0].shape[-1]), tables[0].dtype)
    return _blockwise(found.small_count, hidden, look_up)


def _blocks(count: jax.Array) -> jax.Array:
    return (count + ROWS - 1) // ROWS


def _blockwise(count: jax.Array, table: jax.Array, new: Callable[[jax.Array, jax.Array], jax.Array]) -> jax.Array:
    """The table with new(block number, old rows) in place of the rows in use."""
    return lax.fori_loop(0, _blocks(count), lambda i, table: _put(table, new(i, _rows(table, i)), i), table)


def _rows(table: jax.Array, block: jax.Array) -> jax.Array:
    return lax.dynamic_slice_in_dim(table, block * ROWS, ROWS)


def _put(table: jax.Array, rows: jax.Array, block: jax.Array) -> jax.Array:
    return lax.dynamic_update_slice_in_dim(table, rows, block * ROWS, 0)


_matmul = partial(jnp.matmul, preferred_element_type=jnp.float32)

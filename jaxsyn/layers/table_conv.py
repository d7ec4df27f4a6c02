"""Two convolutions over a map of keys, computed for its distinct neighbourhoods alone.

What the first one gives at a pixel depends on 3x3 keys, what the second one gives on 5x5. So the first is computed
once for each distinct 3x3 neighbourhood, its products with the second's kernel once for each of them and each tap,
their sums once for each distinct 5x5 neighbourhood, and every pixel looks its own up. Exact, gradients too.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.layers.neighbourhoods import ROWS, Neighbourhoods

Rows = Callable[[jax.Array], jax.Array]


def convolve_table(
    rows: Rows, found: Neighbourhoods, table: jax.Array, hidden_bias: jax.Array, kernel: jax.Array
) -> jax.Array:
    """The second convolution of relu(the first), [B, H, W, features], for neighbourhoods that all fit.

    Args:
        rows: keys [...] -> rows of `table` that such pixels show, [..., parts]; they are added up.
        table: the first convolution's kernel, [9, rows, hidden].
        hidden_bias: [hidden].
        kernel: of the second convolution, [3, 3, hidden, features].
    """
    hidden = _hidden(rows, found, table, hidden_bias)
    features = kernel.shape[-1]

    def tap(carry: tuple[jax.Array, jax.Array], inputs: tuple[jax.Array, jax.Array]) -> tuple[tuple, None]:
        part, of_tap = inputs
        products, sums = carry

        def multiply(block: jax.Array, _: jax.Array) -> jax.Array:
            return _matmul(_rows(hidden, block), part)

        def add(block: jax.Array, old: jax.Array) -> jax.Array:
            return old + products.at[_rows(of_tap, block)].get(mode="clip")

        products = _blockwise(found.small_count, products, multiply)
        return (products, _blockwise(found.large_count, sums, add)), None

    start = (jnp.zeros((len(hidden), features), jnp.float32), jnp.zeros((len(found.large), features), jnp.float32))
    (_, sums), _ = lax.scan(tap, start, (_taps_first(kernel), found.large.T))
    return sums.astype(kernel.dtype).at[found.index].get(mode="clip")


def table_gradients(
    rows: Rows,
    found: Neighbourhoods,
    table: jax.Array,
    hidden_bias: jax.Array,
    kernel: jax.Array,
    gradient: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The gradients of `convolve_table` by table, bias and kernel, given that by its result."""
    hidden = _hidden(rows, found, table, hidden_bias)
    features = kernel.shape[-1]
    of_sums = jnp.zeros((len(found.large), features), jnp.float32)
    of_sums = of_sums.at[found.index.reshape(-1)].add(gradient.reshape(-1, features).astype(jnp.float32))

    def tap(carry: tuple[jax.Array, jax.Array], inputs: tuple[jax.Array, jax.Array]) -> tuple[tuple, jax.Array]:
        part, of_tap = inputs

        def add(block: jax.Array, of_products: jax.Array) -> jax.Array:
            return of_products.at[_rows(of_tap, block)].add(_rows(of_sums, block), mode="drop")

        def multiply(block: jax.Array, carry: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
            of_products, of_hidden, of_part = carry
            of_block = _rows(of_products, block).astype(part.dtype)
            of_part += _matmul(_rows(hidden, block).T, of_block)
            of_hidden = _put(of_hidden, _rows(of_hidden, block) + _matmul(of_block, part.T), block)
            return _put(of_products, jnp.zeros((ROWS, features), jnp.float32), block), of_hidden, of_part

        of_products, of_hidden = carry
        of_products = lax.fori_loop(0, _blocks(found.large_count), add, of_products)
        start = (of_products, of_hidden, jnp.zeros(part.shape, jnp.float32))
        *carry, of_part = lax.fori_loop(0, _blocks(found.small_count), multiply, start)
        return tuple(carry), of_part

    start = (jnp.zeros((len(hidden), features), jnp.float32), jnp.zeros(hidden.shape, jnp.float32))
    (_, of_hidden), of_kernel = lax.scan(tap, start, (_taps_first(kernel), found.large.T))

    def look_back(block: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        of_table, of_bias = carry
        of_block = jnp.where(_rows(hidden, block) > 0, _rows(of_hidden, block), 0)
        numbers = _numbers(rows, found, table, block)
        every = jnp.broadcast_to(of_block[:, None], (*numbers.shape, of_block.shape[-1]))
        return of_table.at[numbers].add(every), of_bias + of_block.sum(0)

    start = (jnp.zeros((table.shape[0] * table.shape[1], table.shape[2])), jnp.zeros(hidden_bias.shape))
    of_table, of_bias = lax.fori_loop(0, _blocks(found.small_count), look_back, start)
    gradients = (of_table.reshape(table.shape), of_bias, of_kernel.reshape(kernel.shape))
    return tuple(of.astype(x.dtype) for of, x in zip(gradients, (table, hidden_bias, kernel), strict=True))


def _hidden(rows: Rows, found: Neighbourhoods, table: jax.Array, bias: jax.Array) -> jax.Array:
    """relu(the first convolution) of every small neighbourhood in use, [V, hidden]; zero in row 0."""
    flat = table.reshape(-1, table.shape[-1])

    def look_up(block: jax.Array, _: jax.Array) -> jax.Array:
        parts = flat.at[_numbers(rows, found, table, block)].get(mode="clip")
        total = (parts.sum(1, dtype=jnp.float32) + bias).astype(table.dtype)
        return jnp.where(block * ROWS + jnp.arange(ROWS)[:, None] > 0, jax.nn.relu(total), 0)

    return _blockwise(found.small_count, jnp.zeros((len(found.small), table.shape[-1]), table.dtype), look_up)


def _numbers(rows: Rows, found: Neighbourhoods, table: jax.Array, block: jax.Array) -> jax.Array:
    """Which rows of the table, all taps' one after another, add up to a block's small neighbourhoods: [ROWS, n]."""
    of_tap = jnp.arange(table.shape[0])[:, None] * table.shape[1]
    return (rows(_rows(found.small, block)) + of_tap).reshape(ROWS, -1)


def _taps_first(kernel: jax.Array) -> jax.Array:
    return kernel.reshape(-1, *kernel.shape[2:])


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

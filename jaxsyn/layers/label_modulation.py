"""Two convolutions of a label map, with a ReLU between: what SPADE's layers make gamma and beta of.

Either over the whole map, or over its distinct neighbourhoods, where somebody has found these beforehand.
"""

from functools import partial

import jax
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.layers.convolution import add_bias, convolve
from jaxsyn.layers.label_conv import label_convolve
from jaxsyn.layers.label_keys import LabelKeys, keys_of
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.neighbourhoods import SIZE, Neighbourhoods, find_neighbourhoods
from jaxsyn.layers.table_conv import convolve_table, table_gradients

MODULATIONS = ("auto", "dense", "sparse")
# Numbers in the map between the two convolutions, over a batch. For smaller ones the programs take longer to compile
# than comes back; and small maps have hardly two neighbourhoods alike.
LEAST_HIDDEN = 2**20


def with_neighbourhoods(label: LabelMap, modulation: str = "auto", hidden: int = 128) -> LabelMap:
    """The map with its distinct neighbourhoods, where convolving these alone pays; else as it is.

    It never does for maps of real numbers, nor for those that lie on several devices.

    Args:
        modulation: `auto`, used on a CPU and from `LEAST_HIDDEN` on; `sparse`, used on every platform and at every
            size; `dense`, never.
        hidden: channels between the two convolutions.

    Raises:
        UserError: no such modulation.
    """
    if modulation not in MODULATIONS:
        raise UserError(f"modulation = {modulation!r} is not known; choose one of {', '.join(MODULATIONS)}")
    keys = keys_of(label)
    if modulation == "dense" or keys is None or jax.typeof(label.ids).sharding.mesh.size > 1:
        return label
    # A batch of any size, as exported programs take it, has no number of pixels yet.
    if not all(isinstance(size, int) for size in label.ids.shape):
        return label
    if modulation == "auto" and label.ids.size * hidden < LEAST_HIDDEN:
        return label
    found = find_neighbourhoods(keys.encode(label))
    return label.replace(neighbourhoods=found.replace(everywhere=modulation == "sparse"))


def convolve_labels_twice(label: LabelMap, first: jax.Array, first_bias: jax.Array, second: jax.Array) -> jax.Array:
    """The convolution of relu(convolution of the label map), each with a border of zeros that keeps the size.

    A map with `neighbourhoods` is convolved for these alone; on a CPU, or on every platform if
    it says so. That form differentiates backwards once.

    Args:
        first: kernel [k, k, label.channels, hidden].
        first_bias: [hidden].
        second: kernel [k, k, hidden, features].

    Returns:
        [B, H, W, features], in the kernels' dtype; the second bias is the caller's business.
    """
    dense = partial(_of_map, label)
    found = label.neighbourhoods
    if found is None or first.shape[0] != SIZE or second.shape[0] != SIZE:
        return dense(first, first_bias, second)

    def sparse(first: jax.Array, first_bias: jax.Array, second: jax.Array) -> jax.Array:
        keys = keys_of(label)
        return _by_keys(keys, found, keys.table(label, first), first_bias, second)

    if found.everywhere:
        return sparse(first, first_bias, second)
    return lax.platform_dependent(first, first_bias, second, cpu=sparse, default=dense)


def _of_map(label: LabelMap, first: jax.Array, first_bias: jax.Array, second: jax.Array) -> jax.Array:
    hidden = jax.nn.relu(add_bias(label_convolve(label, first, padding=first.shape[0] // 2), first_bias))
    return convolve(hidden, second, padding=second.shape[0] // 2)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _by_keys(
    keys: LabelKeys, found: Neighbourhoods, table: jax.Array, first_bias: jax.Array, second: jax.Array
) -> jax.Array:
    return lax.cond(
        found.fits,
        partial(convolve_table, keys.rows, found),
        partial(_of_keys, keys, found.keys),
        *(table, first_bias, second),
    )


def _forward(keys: LabelKeys, *operands: jax.Array) -> tuple[jax.Array, tuple]:
    return _by_keys(keys, *operands), operands


def _backward(keys: LabelKeys, operands: tuple, gradient: jax.Array) -> tuple:
    found, *weights = operands

    def over_map(*weights: jax.Array) -> tuple[jax.Array, ...]:
        *weights, gradient = weights
        return jax.vjp(partial(_of_keys, keys, found.keys), *weights)[1](gradient)

    over_table = partial(table_gradients, keys.rows, found)
    return None, *lax.cond(found.fits, over_table, over_map, *weights, gradient)


_by_keys.defvjp(_forward, _backward)


def _of_keys(
    keys: LabelKeys, pixels: jax.Array, table: jax.Array, first_bias: jax.Array, second: jax.Array
) -> jax.Array:
    """Over the whole map, like `_of_map`: what there is room for however many neighbourhoods differ."""
    size = second.shape[0]
    kernel, rows = table.reshape(size, size, *table.shape[1:]), keys.rows(pixels)
    parts = (LabelMap(rows[..., i], None, table.shape[1]) for i in range(rows.shape[-1]))
    hidden = sum(label_convolve(part, kernel, padding=size // 2) for part in parts)
    return convolve(jax.nn.relu(add_bias(hidden, first_bias)), second, padding=size // 2)

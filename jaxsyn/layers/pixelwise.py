"""A small MLP of its own for each tile of an image, applied pixel by pixel (ASAP-Net, section 3)."""

import itertools
from collections.abc import Iterator, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.layers.label_map import LabelMap

SLOPE = 0.01


def position_encoding(height: int, width: int, tile: int) -> np.ndarray:
    """What a pixel knows of its place in its tile (section 3.3): float32 [height, width, 4 * log2(tile)] in [-1, 1].

    For each period tile, tile / 2, ..., 2: cos x, sin x, cos y, sin y.

    Raises:
        UserError: `tile` is no power of two.
    """
    phases = _phases(tile)
    columns, rows = (phases[np.arange(size) % tile] for size in (width, height))
    shape = (height, width, *phases.shape[1:])
    both = np.stack([np.broadcast_to(columns[None], shape), np.broadcast_to(rows[:, None], shape)], axis=3)
    return both.reshape(height, width, -1)


def _phases(tile: int) -> np.ndarray:
    """Cosine and sine of each place along one axis of a tile: float32 [tile, periods, 2]."""
    if tile < 1 or tile & (tile - 1):
        raise UserError(f"tile_size = {tile}: a position encoding needs a power of two, or position_encoding=False")
    periods = tile // 2 ** np.arange(tile.bit_length() - 1)
    angles = 2 * np.pi * (np.arange(tile)[:, None] % periods / periods)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)


def position_channels(tile: int) -> int:
    """Channels of the position encoding of a tile."""
    return 2 * _phases(tile)[0].size


def parameter_count(channels: Sequence[int]) -> int:
    """How many numbers make an MLP whose layers have these channels, the input's first."""
    return sum(outputs + inputs * outputs for inputs, outputs in itertools.pairwise(channels))


def pixelwise_mlp(
    label: LabelMap, parameters: jax.Array, channels: Sequence[int], tile: int, *, position: bool = True
) -> jax.Array:
    """Applies to every pixel the MLP of its tile: leaky ReLUs (0.01) between the layers, none after the last.

    No parameter is repeated over a tile's pixels: pixels stand tile by tile, and a layer is one matrix product a tile.
    In the first one a pixel's class picks a row of the matrix, and the position encoding is a sum over the tile's rows
    and columns.

    Args:
        label: [B, H, W], what a pixel's MLP sees of it, beside its place.
        parameters: [B, H / tile, W / tile, parameter_count(channels)]: layer by layer the biases, then the weights
            [in, out]; the inputs are classes, extra channels, position encoding.
        channels: of the layers, the input's first.
        tile: height and width of a tile in pixels.
        position: whether the position encoding is among the inputs.

    Returns:
        [B, H, W, channels[-1]], float32.

    Raises:
        UserError: `parameters` or `channels` are those of another label map or tile.
    """
    batch, height, width = label.ids.shape[:3]
    grid = batch, height // tile, width // tile
    count = parameter_count(channels)
    inputs = label.channels + (position_channels(tile) if position else 0)
    if parameters.shape != (*grid, count) or height % tile or width % tile or channels[0] != inputs:
        raise UserError(
            f"parameters {parameters.shape} of MLPs from {channels[0]} channels do not fit a label map of "
            f"{height}x{width}, {inputs} channels, in tiles of {tile}: {(*grid, count)} from {inputs} would"
        )
    layers = _layers(parameters, channels)
    y = _first_layer(label, *next(layers), tile, position)
    for bias, kernel in layers:
        x = _leaky_relu(y).astype(parameters.dtype)
        y = _product(x, kernel) + bias[..., None, :]
    return _from_tiles(y, tile)


_leaky_relu = partial(jax.nn.leaky_relu, negative_slope=SLOPE)
_product = partial(jnp.matmul, preferred_element_type=jnp.float32)


def _layers(parameters: jax.Array, channels: Sequence[int]) -> Iterator[tuple[jax.Array, jax.Array]]:
    start = 0
    for inputs, outputs in itertools.pairwise(channels):
        bias, kernel = jnp.split(parameters[..., start : start + (1 + inputs) * outputs], (outputs,), axis=-1)
        yield bias, kernel.reshape(*kernel.shape[:-1], inputs, outputs)
        start += (1 + inputs) * outputs


def _first_layer(label: LabelMap, bias: jax.Array, kernel: jax.Array, tile: int, position: bool) -> jax.Array:
    classes, extra = label.num_classes, label.channels - label.num_classes
    of_classes, of_extra, of_position = jnp.split(kernel, (classes, classes + extra), axis=-2)
    if label.is_dense:
        y = _product(_to_tiles(label.ids, tile).astype(kernel.dtype), of_classes)
    else:
        y = _class_rows(_to_tiles(label.ids, tile), of_classes)
    y = y.astype(jnp.float32) + bias[..., None, :]
    if label.extra is not None:
        y = y + _product(_to_tiles(label.extra, tile).astype(kernel.dtype), of_extra)
    return y + _position_term(of_position, tile).astype(jnp.float32) if position else y


def _class_rows(ids: jax.Array, kernel: jax.Array) -> jax.Array:
    """The kernel's row [B, h, w, P, out] of each pixel's class [B, h, w, P]; zeros for a pixel without a class."""
    classes = kernel.shape[-2]

    def by_look_up(ids: jax.Array, kernel: jax.Array) -> jax.Array:
        known = jnp.where((ids < 0) | (ids >= classes), classes, ids)
        return jnp.take_along_axis(kernel, known[..., None], axis=-2, mode="fill", fill_value=0)

    # As in label convolutions: a matrix unit makes the one-hot product the faster look-up.
    return lax.platform_dependent(
        ids,
        kernel,
        tpu=lambda ids, kernel: jax.nn.one_hot(ids, classes, dtype=kernel.dtype) @ kernel,
        default=by_look_up,
    )


def _position_term(kernel: jax.Array, tile: int) -> jax.Array:
    """The product of the position encoding with its rows of the kernel: [B, h, w, tile * tile, out]."""
    phases = _phases(tile)
    *grid, _, outputs = kernel.shape
    by_axis = kernel.reshape(*grid, phases.shape[1], 2, 2, outputs)
    columns, rows = (jnp.einsum("spc,bhwpco->bhwso", phases, by_axis[..., axis, :, :]) for axis in (0, 1))
    return (rows[..., :, None, :] + columns[..., None, :, :]).reshape(*grid, tile * tile, outputs)


def _to_tiles(x: jax.Array, tile: int) -> jax.Array:
    """[B, H, W, ...] -> [B, H / tile, W / tile, tile * tile, ...]."""
    batch, height, width, *rest = x.shape
    x = x.reshape(batch, height // tile, tile, width // tile, tile, *rest)
    return jnp.moveaxis(x, 2, 3).reshape(batch, height // tile, width // tile, tile * tile, *rest)


def _from_tiles(x: jax.Array, tile: int) -> jax.Array:
    batch, rows, columns, _, channels = x.shape
    x = jnp.moveaxis(x.reshape(batch, rows, columns, tile, tile, channels), 3, 2)
    return x.reshape(batch, rows * tile, columns * tile, channels)

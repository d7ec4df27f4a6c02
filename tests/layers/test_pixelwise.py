"""Pixelwise MLPs against a loop over the pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap, parameter_count, pixelwise_mlp, position_channels, position_encoding
from tests.arrays import integers, normal

TILE, CLASSES, HEIGHT, WIDTH = 4, 3, 8, 12
CHANNELS = (CLASSES + 1 + position_channels(TILE), 5, 2)
IDS = integers(-1, CLASSES + 1, 2, HEIGHT, WIDTH)
LABEL = LabelMap(IDS, normal(2, HEIGHT, WIDTH, 1, seed=1), CLASSES)
PARAMETERS = normal(2, HEIGHT // TILE, WIDTH // TILE, parameter_count(CHANNELS), seed=2)


def by_loop():
    encoding = position_encoding(HEIGHT, WIDTH, TILE)
    dense = np.asarray(LABEL.dense())
    image = np.zeros((2, HEIGHT, WIDTH, CHANNELS[-1]))
    for b, i, j in np.ndindex(2, HEIGHT, WIDTH):
        x, numbers = np.concatenate([dense[b, i, j], encoding[i, j]]), PARAMETERS[b, i // TILE, j // TILE]
        for layer, (inputs, outputs) in enumerate([(12, 5), (5, 2)]):
            bias, weights, numbers = np.split(numbers, (outputs, outputs + inputs * outputs))
            x = x @ weights.reshape(inputs, outputs) + bias
            x = np.where(x < 0, 0.01 * x, x) if layer == 0 else x
        image[b, i, j] = x
    return image


def run(label, parameters=PARAMETERS):
    return jax.jit(lambda label, numbers: pixelwise_mlp(label, numbers, CHANNELS, TILE))(label, parameters)


def test_each_pixel_passes_through_the_network_of_its_tile():
    np.testing.assert_allclose(run(LABEL), by_loop(), atol=1e-4)


def test_a_soft_label_map_gives_what_its_ids_give():
    soft = LabelMap(jax.nn.one_hot(IDS, CLASSES), LABEL.extra, CLASSES)
    np.testing.assert_allclose(run(soft), run(LABEL), atol=1e-5)


def test_gradients_reach_the_parameters_of_a_tile_from_its_own_pixels_alone():
    gradient = jax.jit(jax.grad(lambda numbers: run(LABEL, numbers)[0, :TILE, :TILE].sum()))(PARAMETERS)
    assert np.abs(gradient[0, 0, 0]).max() > 0
    assert not np.delete(np.asarray(gradient).reshape(-1, gradient.shape[-1]), 0, axis=0).any()


def test_bfloat16_parameters_give_a_float32_image_near_the_exact_one():
    image = run(LABEL, PARAMETERS.astype(jnp.bfloat16))
    assert image.dtype == jnp.float32
    np.testing.assert_allclose(image, by_loop(), atol=0.5)


def test_the_position_encoding_repeats_with_the_tile_and_tells_its_pixels_apart():
    encoding = position_encoding(HEIGHT, WIDTH, TILE)
    np.testing.assert_array_equal(encoding[:TILE, :TILE], encoding[TILE:, TILE : 2 * TILE])
    assert len(np.unique(encoding[:TILE, :TILE].reshape(TILE * TILE, -1).round(5), axis=0)) == TILE * TILE


def test_a_position_encoding_needs_a_tile_that_is_a_power_of_two():
    with pytest.raises(UserError, match=r"tile_size = 6: .* power of two, or position_encoding=False"):
        position_channels(6)


def test_parameters_of_another_grid_are_an_error():
    with pytest.raises(UserError, match=r"do not fit a label map of 8x12, 12 channels, in tiles of 4: \(2, 2, 3, 77\)"):
        run(LABEL, PARAMETERS[:, :1])

"""CycleGAN's history of generated images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import ImagePool
from tests.arrays import integers, normal

SIZE, STEPS, BATCH = 3, 6, 2
IMAGES = normal(STEPS, BATCH, 2, 2, 1)
UNIFORM = np.random.default_rng(1).uniform(size=(STEPS, BATCH)).astype(np.float32)
INDEX = integers(0, SIZE, STEPS, BATCH)


def empty(size=SIZE):
    return ImagePool(size).init({}, IMAGES[0], UNIFORM[0], INDEX[0])


def test_a_new_pool_is_empty():
    assert empty()["pool"]["count"] == 0
    assert empty()["pool"]["images"].shape == (SIZE, 2, 2, 1)
    assert "params" not in empty()


def test_it_fills_then_exchanges_image_by_image_where_the_draw_is_above_a_half():
    query = jax.jit(lambda v, *inputs: ImagePool(SIZE).apply(v, *inputs, mutable=["pool"]))
    variables, stored = empty(), []
    for images, uniform, index in zip(IMAGES, UNIFORM, INDEX, strict=True):
        returned, variables = query(variables, images, uniform, index)
        for i in range(BATCH):
            expected = images[i]
            if len(stored) < SIZE:
                stored.append(images[i])
            elif uniform[i] > 0.5:
                expected, stored[index[i]] = stored[index[i]], images[i]
            np.testing.assert_array_equal(returned[i], expected)
    assert variables["pool"]["count"] == SIZE
    np.testing.assert_array_equal(variables["pool"]["images"], np.stack(stored))


def test_a_second_draw_of_the_same_place_sees_the_first_ones_image():
    full = {"pool": {"images": jnp.zeros((SIZE, 2, 2, 1)), "count": jnp.int32(SIZE)}}
    returned, _ = ImagePool(SIZE).apply(full, IMAGES[0], np.ones(2), np.zeros(2, np.int32), mutable=["pool"])
    np.testing.assert_array_equal(returned[0], np.zeros((2, 2, 1)))
    np.testing.assert_array_equal(returned[1], IMAGES[0, 0])


def test_no_gradient_passes():
    gradient = jax.grad(lambda x: ImagePool(SIZE).apply(empty(), x, UNIFORM[0], INDEX[0]).sum())(IMAGES[0])
    assert not gradient.any()


def test_a_pool_of_none_returns_every_image():
    assert not empty(0)
    np.testing.assert_array_equal(ImagePool(0).apply({}, IMAGES[0], UNIFORM[0], INDEX[0]), IMAGES[0])


def test_a_negative_size_is_an_error():
    with pytest.raises(UserError, match="an image pool of size -1: set 0 for none"):
        empty(-1)

"""Integer label maps and what they stand for."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import LabelMap, average_pool, instance_edges, resize_nearest
from tests.arrays import integers, normal

CLASSES = 5


@pytest.fixture
def label():
    ids = integers(0, CLASSES, 2, 7, 6, seed=0)
    return LabelMap(ids, normal(2, 7, 6, 2, seed=1), CLASSES)


def test_the_dense_map_is_one_hot_with_the_extra_channels_behind(label):
    dense = label.dense()
    assert dense.shape == (2, 7, 6, label.channels) == (2, 7, 6, CLASSES + 2)
    np.testing.assert_array_equal(dense[..., :CLASSES].argmax(-1), label.ids)
    np.testing.assert_array_equal(dense[..., :CLASSES].sum(-1), 1)
    np.testing.assert_array_equal(dense[..., CLASSES:], label.extra)


@pytest.mark.parametrize("shape", [(2, 3), (2, 7, 6, 3)], ids=["vector", "map"])
def test_noise_stands_before_the_classes_at_any_size(label, shape):
    noise = normal(*shape, seed=2)
    noisy = label.replace(noise=noise)
    everywhere = np.broadcast_to(noise if len(shape) == 4 else noise[:, None, None], (2, 7, 6, 3))
    dense = np.concatenate([everywhere, label.dense()], axis=-1)
    assert noisy.channels == dense.shape[-1]
    np.testing.assert_array_equal(noisy.dense(), dense)
    np.testing.assert_array_equal(noisy.resize(3, 9).dense(), resize_nearest(dense, 3, 9))
    np.testing.assert_allclose(noisy.average_pool().dense(), average_pool(dense), atol=1e-6)


@pytest.mark.parametrize("strange", [-1, CLASSES, 255])
def test_an_id_outside_the_classes_means_a_pixel_of_no_class(label, strange):
    outside = label.replace(ids=jnp.asarray(label.ids).at[0, 2, 3].set(strange))
    assert not outside.dense()[0, 2, 3, :CLASSES].any()
    expected = average_pool(outside.dense()[..., :CLASSES])
    np.testing.assert_allclose(outside.average_pool().ids, expected, atol=1e-6)


def test_resizing_and_making_dense_commute(label):
    np.testing.assert_array_equal(label.resize(3, 9).dense(), resize_nearest(label.dense(), 3, 9))


@pytest.mark.parametrize("times", [1, 2])
def test_pooling_is_that_of_the_dense_map_once_and_again(label, times):
    pooled, expected = label, label.dense()
    for _ in range(times):
        pooled, expected = pooled.average_pool(), average_pool(expected)
    assert pooled.is_dense
    np.testing.assert_allclose(pooled.dense(), expected, atol=1e-6)


def test_edges_mark_both_sides_of_a_boundary_and_no_border_of_the_image():
    instance = jnp.asarray([[[7, 7, 7, 9], [7, 7, 7, 9], [7, 7, 7, 7]]])
    expected = [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]
    np.testing.assert_array_equal(instance_edges(instance)[0, :, :, 0], expected)


def test_edges_depend_on_the_boundaries_and_not_on_the_ids():
    instance = integers(0, 4, 2, 8, 8, seed=2)
    renamed = np.asarray([26005, 3, 0, 999])[instance]
    np.testing.assert_array_equal(instance_edges(instance), instance_edges(renamed))
    np.testing.assert_array_equal(instance_edges(instance.swapaxes(1, 2)), instance_edges(instance).swapaxes(1, 2))
    assert not instance_edges(jnp.zeros((1, 4, 4), jnp.int32)).any()

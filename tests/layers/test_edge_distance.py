"""Distances inside the edges of instance maps."""

import jax
import numpy as np
from scipy.ndimage import distance_transform_edt

from jaxsyn.layers import edge_distances, instance_edges
from tests.arrays import integers


def test_distances_are_the_euclidean_transform_of_the_edges_over_the_batch_too():
    instance = integers(0, 3, 3, 9, 14)
    instance[:, :, 9:] = 0
    expected = distance_transform_edt(np.asarray(jax.jit(instance_edges)(instance))[..., 0])
    assert expected.max() > 1
    np.testing.assert_allclose(jax.jit(edge_distances)(instance)[..., 0], expected, rtol=1e-6)

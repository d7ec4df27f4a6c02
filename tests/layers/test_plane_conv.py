"""1x1 convolution of features and constant planes."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.layers import Conv, PlaneConv


def test_it_equals_the_convolution_of_features_and_planes_together():
    rng = np.random.default_rng(0)
    x, planes = rng.normal(size=(2, 4, 3, 5)).astype(np.float32), rng.normal(size=(2, 2)).astype(np.float32)
    y, variables = PlaneConv(6).init_with_output(jax.random.key(0), x, planes)
    together = jnp.concatenate([x, jnp.broadcast_to(planes[:, None, None], (2, 4, 3, 2))], axis=-1)
    np.testing.assert_allclose(y, Conv(6, kernel_size=1).apply(variables, together), atol=1e-5)

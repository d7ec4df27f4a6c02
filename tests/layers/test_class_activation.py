import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.layers import ClassActivation, Conv, attend, mean_and_max
from tests.arrays import normal


def test_the_logit_has_the_normalised_weights_and_the_attention_the_raw_ones():
    pooled = jnp.concatenate(mean_and_max(normal(2, 3, 4, 5)), axis=-1)
    network = ClassActivation()
    variables = network.init(jax.random.key(0), pooled)
    kernel = 3 * variables["params"]["kernel"]
    logit, weights = network.apply({**variables, "params": {"kernel": kernel}}, pooled)
    np.testing.assert_array_equal(weights, kernel[:, 0])
    # The spectral norm of a single row is its length, whatever the vectors.
    direction = variables["spectral"]["v"]
    np.testing.assert_allclose(logit, pooled @ kernel / abs(direction @ kernel), rtol=1e-5)


def test_attention_equals_the_convolution_of_weighed_copies():
    x, weights, conv = normal(2, 3, 4, 5), normal(10, seed=1), Conv(7, kernel_size=1)
    copies = jnp.concatenate([x, x], axis=-1) * weights
    variables = conv.init(jax.random.key(0), copies)
    bound = conv.bind(variables)
    np.testing.assert_allclose(attend(bound, x, weights), conv.apply(variables, copies), rtol=1e-4, atol=1e-5)

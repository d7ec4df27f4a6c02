import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import LIN, AdaLIN, SoftmaxMix, instance_and_layer_norm
from tests.arrays import normal

X = 3 * normal(2, 4, 5, 6) + 1


def test_statistics_are_of_positions_and_of_whole_samples_with_unbiased_variances():
    by_instance, by_layer = instance_and_layer_norm(X, epsilon=0.0)
    np.testing.assert_allclose(by_instance.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(np.var(by_instance, (1, 2), ddof=1), 1, rtol=1e-5)
    np.testing.assert_allclose(by_layer.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(np.var(by_layer, (1, 2, 3), ddof=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("start", "norm"), [((30.0, 0.0), 0), ((0.0, 30.0), 1)])
def test_the_larger_number_of_a_channel_decides_which_norm_it_has(start, norm):
    network = SoftmaxMix(start)
    mixed = network.apply(network.init(jax.random.key(0), X), X)
    np.testing.assert_allclose(mixed, instance_and_layer_norm(X)[norm], rtol=1e-5, atol=1e-6)


def test_given_gains_and_biases_apply_sample_by_sample_and_own_ones_begin_as_the_identity():
    def mix(name):
        return SoftmaxMix((3.2, 1.0), name=name)

    plain = mix(None).apply({"params": {"rho": jnp.broadcast_to(jnp.array([3.2, 1.0]), (1, 6, 2))}}, X)
    own, adaptive = LIN(mix), AdaLIN(mix)
    np.testing.assert_array_equal(own.apply(own.init(jax.random.key(0), X), X), plain)
    gamma, beta = normal(2, 6, seed=1), normal(2, 6, seed=2)
    found = adaptive.apply(adaptive.init(jax.random.key(0), X, gamma, beta), X, gamma, beta)
    np.testing.assert_allclose(found[1, 2, 3], plain[1, 2, 3] * gamma[1] + beta[1], rtol=1e-6)

"""The Gaussian style code."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.losses.variational import kl_divergence, reparameterize
from tests.arrays import normal


def test_the_divergence_is_zero_at_the_prior_and_only_there():
    zero = jnp.zeros((2, 3))
    assert kl_divergence(zero, zero) == 0
    for mean, log_variance in ((zero + 0.1, zero), (zero, zero + 0.1), (zero, zero - 0.1)):
        assert kl_divergence(mean, log_variance) > 0


def test_the_divergence_equals_its_integral():
    mean, log_variance = 0.7, -0.5
    x = np.linspace(-10, 10, 20001)
    log_density = -0.5 * ((x - mean) ** 2 / np.exp(log_variance) + log_variance + np.log(2 * np.pi))
    log_prior = -0.5 * (x**2 + np.log(2 * np.pi))
    integral = np.trapezoid(np.exp(log_density) * (log_density - log_prior), x)
    ours = kl_divergence(jnp.full((1, 1), mean), jnp.full((1, 1), log_variance))
    np.testing.assert_allclose(ours, integral, rtol=1e-5)


def test_the_divergence_adds_up_over_the_batch():
    mean, log_variance = normal(3, 4, seed=1), normal(3, 4, seed=2)
    parts = [kl_divergence(mean[i : i + 1], log_variance[i : i + 1]) for i in range(3)]
    np.testing.assert_allclose(kl_divergence(mean, log_variance), sum(parts), rtol=1e-6)


def test_a_sample_is_the_mean_plus_noise_times_the_standard_deviation():
    mean, log_variance, noise = normal(2, 3), normal(2, 3, seed=1), normal(2, 3, seed=2)
    np.testing.assert_allclose(
        reparameterize(mean, log_variance, noise), mean + noise * np.exp(log_variance) ** 0.5, rtol=1e-5
    )
    gradient = jax.grad(lambda m: reparameterize(m, log_variance, noise).sum())(mean)
    np.testing.assert_array_equal(gradient, 1)

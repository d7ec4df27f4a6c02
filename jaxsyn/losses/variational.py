"""The Gaussian style code of a variational encoder."""

import jax
import jax.numpy as jnp


def kl_divergence(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
    """KL(N(mean, exp(log_variance)) || N(0, 1)), summed over the batch too, as SPADE's KLD is.

    So its weight against the other terms grows with the batch size.

    Args:
        mean, log_variance: [B, D].
    """
    mean, log_variance = mean.astype(jnp.float32), log_variance.astype(jnp.float32)
    return -0.5 * jnp.sum(1 + log_variance - jnp.square(mean) - jnp.exp(log_variance))


def reparameterize(mean: jax.Array, log_variance: jax.Array, noise: jax.Array) -> jax.Array:
    """mean + exp(log_variance / 2) * noise; all [B, D]."""
    return mean + jnp.exp(0.5 * log_variance) * noise

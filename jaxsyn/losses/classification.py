"""Objectives of classifiers of whole images: of attributes, several at once, and of one domain out of several."""

import jax
import jax.numpy as jnp
import optax


def attribute_loss(logits: jax.Array, attributes: jax.Array) -> jax.Array:
    """Binary cross entropy, summed over attributes, as the mean over images (StarGAN's code; so it grows with c).

    Args:
        logits: [B, c].
        attributes: [B, c], 0 or 1.
    """
    targets = attributes.astype(jnp.float32)
    return optax.sigmoid_binary_cross_entropy(logits.astype(jnp.float32), targets).sum(-1).mean()


def domain_loss(logits: jax.Array, domain: jax.Array) -> jax.Array:
    """Softmax cross entropy of logits [B, c] against domains [B], the mean over images."""
    return optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), domain).mean()

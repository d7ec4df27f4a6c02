"""Penalties on the gradient of a discriminator by its images."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def image_gradients(discriminator: Callable[[jax.Array], jax.Array], images: jax.Array) -> jax.Array:
    """Gradient of the sum of what the discriminator says of each image, float32 [B, H, W, C].

    Args:
        discriminator: images [B, H, W, C] -> its predictions, of any shape, each of one image alone.
    """
    return jax.grad(lambda x: discriminator(x).astype(jnp.float32).sum())(images.astype(jnp.float32))


def wasserstein_penalty(
    discriminator: Callable[[jax.Array], jax.Array], real: jax.Array, fake: jax.Array, alpha: jax.Array
) -> jax.Array:
    """Mean squared distance of gradient norms from 1, between real images and fakes (Gulrajani et al., NeurIPS 2017).

    Args:
        real, fake: images [B, H, W, C].
        alpha: [B], the share of the real image in the point where the gradient is taken, uniform in [0, 1).
    """
    alpha = alpha[:, None, None, None]
    squares = jnp.square(image_gradients(discriminator, alpha * real + (1 - alpha) * fake)).sum((1, 2, 3))
    # The slope of the root at zero is infinite, and its product with a zero gradient would be NaN.
    norms = jnp.sqrt(jnp.maximum(squares, jnp.finfo(jnp.float32).tiny))
    return jnp.square(norms - 1).mean()


def r1_penalty(discriminator: Callable[[jax.Array], jax.Array], real: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Half the squared gradient norm at real images, mean over the batch: R1 (Mescheder et al., ICML 2018, equation 9).

    Args:
        discriminator: images [B, H, W, C] -> logits [B], each of one image alone; a pure function.
        real: images.

    Returns:
        The penalty, a float32 scalar, and the logits, which come from the same pass.
    """
    logits, pull_back = jax.vjp(discriminator, real)
    (gradients,) = pull_back(jnp.ones_like(logits))
    return jnp.square(gradients.astype(jnp.float32)).sum((1, 2, 3)).mean() / 2, logits

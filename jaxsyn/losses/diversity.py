"""What keeps a generator from giving the same image for different latents."""

import jax

from jaxsyn.losses.reconstruction import mean_absolute

EPSILON = 1e-5


def mode_seeking(image: jax.Array, other: jax.Array, latent: jax.Array, other_latent: jax.Array) -> jax.Array:
    """The mode seeking loss (Mao et al., CVPR 2019): the inverse of how far images move as their latents do.

    Distances are mean absolute differences over the batch, as DRIT++ has them.

    Args:
        image, other: [B, H, W, C], made from
        latent, other_latent: [B, D].
    """
    return 1 / (mean_absolute(image, other) / mean_absolute(latent, other_latent) + EPSILON)

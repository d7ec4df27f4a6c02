"""From a generator's output to the 8-bit images that the papers' file-based tools measure."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.errors import UserError


def quantise(images: jax.Array) -> jax.Array:
    """Images [B, H, W, 3] in [-1, 1], clipped -> uint8, rounded to the nearest; jit-able.

    NaN has no 8-bit value and would become an ordinary one: call `require_finite` first.
    """
    return jnp.round((jnp.clip(images, -1, 1) + 1) * 127.5).astype(jnp.uint8)


def require_finite(images: np.ndarray, origin: str) -> None:
    """Raises UserError where an image of [B, H, W, C] holds NaN or infinite pixels; origin: what the message names."""
    finite = np.isfinite(np.asarray(images)).all(axis=(1, 2, 3))
    if not finite.all():
        raise UserError(
            f"{origin}: image {int(np.argmin(finite))} of the batch holds NaN or infinite pixels: "
            "the generator diverged; measure an earlier checkpoint"
        )

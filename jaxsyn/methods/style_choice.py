"""The styles that the controls of `generate` ask for, of methods that mix two of them linearly."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError


def choose_style(
    encode: Callable[[str, jax.Array], jax.Array],
    shape: tuple[int, int],
    *,
    style: jax.Array | None,
    style_image: jax.Array | None,
    toward: jax.Array | None,
    toward_image: jax.Array | None,
    mix: jax.Array | float,
) -> jax.Array | None:
    """The style codes [B, D] that the controls ask for; None where they ask for none.

    Args:
        encode: (name of the control, images [B, H, W, C] or [1, H, W, C]) -> the codes of their style.
        shape: (B, D).
        style, toward: codes [B, D], or [1, D] for all; or of images in their place:
        style_image, toward_image: [B, H, W, C] or [1, H, W, C].
        mix: share of the second style, scalar or [B].

    Raises:
        UserError: a style that is given twice, the second without the first, or codes of another shape.
    """
    first, second = (
        _code(encode, shape, *named) for named in (("style", style, style_image), ("toward", toward, toward_image))
    )
    if second is None:
        return first
    if first is None:
        raise UserError("toward and toward_image go with a style to begin from: give style or style_image")
    share = jnp.broadcast_to(mix, (shape[0],))[:, None]
    return (1 - share) * first + share * second


def _code(
    encode: Callable[[str, jax.Array], jax.Array],
    shape: tuple[int, int],
    name: str,
    code: jax.Array | None,
    image: jax.Array | None,
) -> jax.Array | None:
    if code is not None and image is not None:
        raise UserError(f"{name} and {name}_image both say what style to take: give one of them")
    if image is not None:
        code = encode(f"{name}_image", image)
    if code is None:
        return None
    if code.shape not in (shape, (1, shape[1])):
        raise UserError(f"{name} has shape {code.shape}; it should be {shape} or {(1, shape[1])}")
    return jnp.broadcast_to(code, shape)

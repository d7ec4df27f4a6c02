"""The domains that the control `domain` of `generate` asks for."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError


def target_domains(domain: int | str | jax.Array, names: Sequence[str], count: int) -> jax.Array:
    """The numbers [B] of the domains that images are translated to.

    Args:
        domain: of all images, by number or name, or of each, [B].
        names: of the domains, in the order of their numbers.
        count: B.

    Raises:
        UserError: no such domain, or an array of another shape.
    """
    named, numbered = isinstance(domain, str), isinstance(domain, int)
    if (named and domain not in names) or (numbered and not 0 <= domain < len(names)):
        raise UserError(f"domain = {domain!r}: choose one of {', '.join(names)}, or its number from 0")
    numbers = jnp.asarray(names.index(domain) if named else domain)
    if numbers.shape not in ((), (count,)):
        raise UserError(f"domain has shape {numbers.shape}; it should be (), for all images, or {(count,)}")
    return jnp.broadcast_to(numbers, (count,))

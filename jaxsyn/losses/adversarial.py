"""Adversarial objectives over the predictions of one or several discriminators.

Each kind is a pair of sides. `hinge` (Lim and Ye 2017; Miyato et al. 2018), `least_squares` (Mao et al., ICCV 2017),
`cross_entropy` (Goodfellow et al. 2014, non-saturating) and `wasserstein` (Arjovsky et al. 2017) are SPADE's
`--gan_mode` hinge, ls, original and w. A prediction is a map of logits of any shape; each discriminator counts by the
mean over its map, and the discriminators of a pyramid by their mean.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers.precision import at_least_float32

Objective = Callable[[jax.Array], jax.Array]

# kind -> what to minimise, elementwise, for: a real in D, a fake in D, a fake in G.
KINDS: dict[str, tuple[Objective, Objective, Objective]] = {
    "hinge": (lambda x: nn.relu(1 - x), lambda x: nn.relu(1 + x), lambda x: -x),
    "least_squares": (lambda x: jnp.square(x - 1), jnp.square, lambda x: jnp.square(x - 1)),
    "cross_entropy": (lambda x: nn.softplus(-x), nn.softplus, lambda x: nn.softplus(-x)),
    "wasserstein": (lambda x: -x, lambda x: x, lambda x: -x),
}


def generator_loss(on_fake: Sequence[jax.Array], kind: str = "hinge") -> jax.Array:
    """What the generator minimises, a scalar; `on_fake` holds each discriminator's logits on generated images."""
    return _mean(on_fake, _objectives(kind)[2])


def discriminator_loss(
    on_real: Sequence[jax.Array], on_fake: Sequence[jax.Array], kind: str = "hinge"
) -> tuple[jax.Array, jax.Array]:
    """What the discriminators minimise, as two scalars: on real images and on generated ones."""
    real, fake, _ = _objectives(kind)
    return _mean(on_real, real), _mean(on_fake, fake)


def _objectives(kind: str) -> tuple[Objective, Objective, Objective]:
    if kind not in KINDS:
        raise UserError(f"loss.adversarial = {kind!r} is no objective; choose one of {', '.join(KINDS)}")
    return KINDS[kind]


def _mean(predictions: Sequence[jax.Array], objective: Objective) -> jax.Array:
    return sum(objective(at_least_float32(p)).mean() for p in predictions) / len(predictions)

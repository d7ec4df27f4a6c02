"""Optimisers and their schedules, as the recipes of this field have them."""

import re
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import optax
from flax import traverse_util
from ml_collections import ConfigDict

from jaxsyn.errors import UserError


def make_optimizer(config: ConfigDict) -> optax.GradientTransformation:
    """Adam without its learning rate: that depends on the network and the step (`learning_rate`).

    Weight decay is torch's `Adam(weight_decay=...)`: part of the gradient, and so of the moments.
    """
    adam = optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=config.epsilon)
    if not config.weight_decay:
        return adam
    return optax.chain(optax.add_decayed_weights(config.weight_decay), adam)


def learning_rate(config: ConfigDict, network: str, step: jax.Array) -> jax.Array:
    """Rate of a network at a step: constant, then linear to zero over `decay_steps` from `decay_start`.

    With `decay_every` it is also multiplied by `decay_factor` each time that so many steps are done.

    Different rates for generator and discriminator are the two-timescale update rule (Heusel et al. 2017).

    Raises:
        UserError: the config has no rate for the network.
    """
    if network not in config.learning_rate:
        raise UserError(f"optimizer.learning_rate has no rate for {network!r}: set optimizer.learning_rate.{network}")
    rate = jnp.float32(config.learning_rate[network])
    if config.decay_every:
        rate = rate * jnp.float32(config.decay_factor) ** (step // config.decay_every)
    if not config.decay_steps:
        return rate
    done = (step - config.decay_start).astype(jnp.float32) / config.decay_steps
    return rate * (1 - jnp.clip(done, 0, 1))


def clip_by_global_norm(gradients: optax.Updates, largest: float) -> optax.Updates:
    """Scales gradients down to a global norm of at most `largest`; 0 leaves them as they are."""
    if not largest:
        return gradients
    scale = jnp.minimum(1.0, largest / jnp.maximum(optax.global_norm(gradients), 1e-12))
    return jax.tree.map(lambda g: g * scale, gradients)


def hold(updates: optax.Updates, names: Sequence[str]) -> optax.Updates:
    """The updates of a network, zero where one of the regular expressions is found in a parameter's dotted name."""

    def leaf(path: tuple[str, ...], update: jax.Array) -> jax.Array:
        return jnp.zeros_like(update) if any(re.search(name, ".".join(path)) for name in names) else update

    return traverse_util.path_aware_map(leaf, updates) if names else updates

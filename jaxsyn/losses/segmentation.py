"""Objectives of a discriminator that segments (OASIS: Schoenfeld et al., ICLR 2021, section 3.2).

It gives each pixel logits over N + 1 classes: channel 0 says "generated", channel c + 1 says class c.
"""

import jax
import jax.numpy as jnp
import optax


def class_weights(label: jax.Array, num_classes: int, *, dont_care: bool = False) -> jax.Array:
    """Weights by which every class that a batch holds counts alike: pixels / (classes present * pixels of the class).

    Absent classes weigh 0. Under `jit` the batch is the global one; the authors balance each device's own.

    Args:
        label: [B, H, W] ids in 0 .. num_classes - 1.
        dont_care: class 0 is unlabelled: it weighs 0 and is no class present, but its pixels count among all.

    Returns:
        float32 [num_classes].
    """
    counts = (label[..., None] == jnp.arange(num_classes)).sum((0, 1, 2))
    if dont_care:
        counts = counts.at[0].set(0)
    present = counts > 0
    weights = label.size / (jnp.maximum(present.sum(), 1) * jnp.maximum(counts, 1).astype(jnp.float32))
    return jnp.where(present, weights, 0.0)


def class_cross_entropy(logits: jax.Array, label: jax.Array, weights: jax.Array | None = None) -> jax.Array:
    """Weighted cross entropy against the pixels' classes, as the mean over all pixels.

    Args:
        logits: [B, H, W, N + 1].
        label: [B, H, W].
        weights: [N], of the classes; None weighs all pixels alike.
    """
    loss = optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), label + 1)
    return loss.mean() if weights is None else (loss * weights[label]).mean()


def fake_cross_entropy(logits: jax.Array) -> jax.Array:
    """Mean cross entropy of logits [B, H, W, N + 1] against the class "generated"."""
    target = jnp.zeros(logits.shape[:-1], jnp.int32)
    return optax.softmax_cross_entropy_with_integer_labels(logits.astype(jnp.float32), target).mean()


def labelmix_mask(draws: jax.Array, label: jax.Array) -> jax.Array:
    """LabelMix's mask: 1 where a pixel is taken from the real image, constant within every class of the batch.

    The authors' code writes the draws into the label map itself, class by class. So where class 0 draws 1, its pixels
    become class 1 and take that class's draw if the batch holds class 1; other classes are independent.

    Args:
        draws: [N] booleans, one a class.
        label: [B, H, W].

    Returns:
        float32 [B, H, W, 1].
    """
    overwritten = draws[0] & (label == 1).any()
    draws = draws.at[0].set(jnp.where(overwritten, draws[1], draws[0]))
    return draws[label][..., None].astype(jnp.float32)


def mix(mask: jax.Array, real: jax.Array, fake: jax.Array) -> jax.Array:
    """mask * real + (1 - mask) * fake, for images and for logits [B, H, W, C] alike; the mask is [B, H, W, 1]."""
    return mask * real + (1 - mask) * fake


def labelmix_consistency(mask: jax.Array, on_real: jax.Array, on_fake: jax.Array, on_mixed: jax.Array) -> jax.Array:
    """Mean squared difference of the mixed logits and the logits of the mixed image."""
    return jnp.square(on_mixed - mix(mask, on_real, on_fake)).mean()

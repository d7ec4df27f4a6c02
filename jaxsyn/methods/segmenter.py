"""The judge of `scenes`: a segmenter of real images, trained by the same loop as the generators it judges."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.methods.base import Batch, Method, Phase, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.networks.segmenter import SegmenterNet


class Segmenter(Method):
    """One network and one phase: cross-entropy on degraded real images, rare classes weighing more.

    A judge that has seen sharp pictures alone takes a slight blur for another class: it would measure sharpness, which
    is the Frechet distance's business, and not whether things are where the label map asks for them.
    """

    def networks(self) -> dict[str, nn.Module]:
        return {"segmenter": SegmenterNet(self.num_classes, tuple(self.config.model.widths), dtype=self.dtype)}

    def phases(self) -> tuple[Phase, ...]:
        return (Phase("segmenter", trains=("segmenter",), loss=self.segmenter_loss),)

    def segmenter_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        logits, _ = nets.segmenter(degrade(batch["image"], rng, **self.config.loss.degrade))
        loss = balanced_cross_entropy(logits, batch["label"], self.config.loss.class_balance)
        accuracy = (logits.argmax(-1) == batch["label"]).mean()
        return loss, {"cross_entropy": loss, "accuracy": accuracy}

    def generate(self, nets: Nets, batch: Batch, rng: jax.Array, **controls: Any) -> jax.Array:
        """The predicted label map of the batch's images as a picture, in the colours of `model.palette`."""
        logits, _ = nets.segmenter(batch["image"])
        colours = jnp.asarray(self.config.model.palette, jnp.float32) / 127.5 - 1
        return colours[logits.argmax(-1) % len(colours)]


def degrade(image: jax.Array, rng: jax.Array, *, blur: float, noise: float, light: float) -> jax.Array:
    """Images of a quality of their own each: blurred, noisy, brighter or darker, of more or less contrast.

    Args:
        image: [B, H, W, 3] in [-1, 1].
        blur: the largest share of a twice blurred image (binomial window 5) that is mixed in, 0 to 1.
        noise: the largest standard deviation of normal noise.
        light: the largest change of brightness, and of contrast as a factor.

    Returns:
        [B, H, W, 3], slightly outside [-1, 1] where bright or dark.
    """
    keys = jax.random.split(rng, 5)
    shares, deviations = (jax.random.uniform(key, (len(image), 1, 1, 1)) for key in keys[:2])
    gains, shifts = (jax.random.uniform(key, (len(image), 1, 1, 1), minval=-light, maxval=light) for key in keys[2:4])
    image = image + blur * shares * (_binomial(_binomial(image)) - image)
    image = image + noise * deviations * jax.random.normal(keys[4], image.shape)
    return image * (1 + gains) + shifts


def _binomial(image: jax.Array) -> jax.Array:
    padded = jnp.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4


def balanced_cross_entropy(logits: jax.Array, label: jax.Array, balance: float) -> jax.Array:
    """Cross-entropy averaged over pixels weighted by (frequency of their class in the batch) ** -balance; scalar.

    Args:
        logits: [B, H, W, K].
        label: [B, H, W] integers in 0 .. K - 1.
        balance: 0 weighs all pixels alike, 1 all classes alike.
    """
    classes = jax.nn.one_hot(label, logits.shape[-1])
    frequency = classes.mean((0, 1, 2))
    weights = jnp.where(frequency > 0, jnp.maximum(frequency, 1e-6) ** -balance, 0)
    pixels = classes @ weights
    return -(pixels * (classes * jax.nn.log_softmax(logits)).sum(-1)).sum() / pixels.sum()

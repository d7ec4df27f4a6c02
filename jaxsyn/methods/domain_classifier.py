"""The judge of the domains of `scenes`: day, dusk, night or winter, trained by the same loop as what it judges."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxsyn.methods.base import Batch, Method, Phase, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.segmenter import degrade
from jaxsyn.networks.domain_classifier import DomainClassifierNet


class DomainClassifier(Method):
    """One network and one phase: cross-entropy on degraded real pictures, so that sharpness and grain say nothing."""

    def networks(self) -> dict[str, nn.Module]:
        domains, widths = len(self.config.data.domains), tuple(self.config.model.widths)
        return {"classifier": DomainClassifierNet(domains, widths, dtype=self.dtype)}

    def phases(self) -> tuple[Phase, ...]:
        return (Phase("classifier", trains=("classifier",), loss=self.classifier_loss),)

    def classifier_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        logits = nets.classifier(degrade(batch["image"], rng, **self.config.loss.degrade))
        loss = optax.softmax_cross_entropy_with_integer_labels(logits, batch["domain"]).mean()
        return loss, {"cross_entropy": loss, "accuracy": (logits.argmax(-1) == batch["domain"]).mean()}

    def generate(self, nets: Nets, batch: Batch, rng: jax.Array, **controls: Any) -> jax.Array:
        """The batch's images under white bars, one for each domain, as high as its probability."""
        image = batch["image"]
        probabilities = jax.nn.softmax(nets.classifier(image))
        height, width = image.shape[1:3]
        domain = jnp.arange(width) * probabilities.shape[1] // width
        below = jnp.arange(height)[:, None] >= height * (1 - probabilities[:, None, domain])
        return jnp.where(below[..., None], 1.0, image)

"""pix2pix: paired translation of images by a conditional GAN (Isola et al., CVPR 2017, arXiv 1611.07004)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.translators import (
    dropout_rngs,
    has_dropout,
    patch_discriminator,
    patch_discriminator_names,
    translator,
    translator_names,
    unused_statistics,
)

STATISTICS = ("image", "running")


class Pix2pix(Method):
    """pix2pix (section 3), in the order and with the weights of the authors' PyTorch code.

    The discriminator learns first, from the generator's images of this step; then the generator, against the updated
    discriminator and with the same dropout. The discriminator's loss is halved (section 3.3). The only noise is
    dropout, which `generate` draws too.
    """

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": translator(self.config), "discriminator": patch_discriminator(self.config)}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", trains=("discriminator",), loss=self.discriminator_loss),
            Phase("generator", trains=("generator",), loss=self.generator_loss),
        )

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        source, states = batch["source"], dict(nets.states)
        nets.kept["noise"] = rng
        fake = lax.stop_gradient(self.synthesize(nets, source, rng))
        # The authors make the image once: it counts in the running statistics when the generator is trained.
        nets.states |= states
        on_fake, on_real = (self.discriminate(nets, source, image) for image in (fake, batch["image"]))
        real, fake = discriminator_loss([on_real], [on_fake], self.config.loss.adversarial)
        return (real + fake) / 2, {"real": real, "fake": fake}

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        fake = self.synthesize(nets, batch["source"], nets.kept["noise"])
        on_fake = self.discriminate(nets, batch["source"], fake)
        terms = {
            "adversarial": generator_loss([on_fake], self.config.loss.adversarial),
            "l1": mean_absolute(fake, batch["image"]),
        }
        return self.weigh(terms)

    def synthesize(self, nets: Nets, source: jax.Array, rng: jax.Array) -> jax.Array:
        """The generator's images of sources [B, H, W, C], with dropout drawn by `rng`."""
        return nets.generator(source, rngs=dropout_rngs(self.config.model, rng))

    def discriminate(self, nets: Nets, source: jax.Array, image: jax.Array) -> jax.Array:
        """Logits [B, h, w, 1] of images as translations of sources: the discriminator sees both."""
        return nets.discriminator(jnp.concatenate([source, image], axis=-1))[-1]

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        dropout: bool | None = None,
        statistics: str | None = None,
    ) -> jax.Array:
        """Translations of batch["source"].

        The authors test as they train: with dropout, which is what makes images of one source differ, and with batch
        norm by the statistics of the one image that is translated.

        Args:
            dropout: whether to draw dropout, by `rng`; None takes `config.model.test_dropout`.
            statistics: what batch norm uses, `image` (each image's own) or `running`; None takes
                `config.model.test_statistics`.

        Raises:
            UserError: dropout of a generator without, or no such statistics.
        """
        model = self.config.model
        statistics = model.test_statistics if statistics is None else statistics
        if statistics not in STATISTICS:
            raise UserError(f"statistics = {statistics!r}: choose one of {', '.join(STATISTICS)}")
        if dropout and not has_dropout(model):
            raise UserError(
                f"this model has no dropout: train it with --config.model.{model.architecture}.dropout=True"
            )
        drops = has_dropout(model) and (model.test_dropout if dropout is None else dropout)

        def translate(nets: Nets, source: jax.Array, key: jax.Array) -> jax.Array:
            return nets.generator(source, rngs={"dropout": key} if drops else {})

        def alone(source: jax.Array, key: jax.Array) -> jax.Array:
            training = Nets(nets.modules, nets.params, nets.states, train=True)
            return translate(training, source[None], key)[0]

        if statistics == "running":
            return translate(nets, batch["source"], rng)
        return jax.vmap(alone)(batch["source"], jax.random.split(rng, batch["source"].shape[0]))

    def protocol(self) -> dict[str, Any]:
        model = self.config.model
        return {"dropout": has_dropout(model) and model.test_dropout, "statistics": model.test_statistics}

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        return {"generator": translator_names(model), "discriminator": patch_discriminator_names(model)}

    def unused_entries(self) -> dict[str, tuple[str, ...]]:
        return unused_statistics(self.config.model, ("generator",), ("discriminator",))

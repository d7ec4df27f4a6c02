"""CycleGAN: unpaired translation by cycle consistency (Zhu et al., ICCV 2017, arXiv 1703.10593)."""

from typing import NamedTuple

import flax.linen as nn
import jax

from jaxsyn.errors import UserError
from jaxsyn.layers import ImagePool
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.translators import (
    dropout_rngs,
    patch_discriminator,
    patch_discriminator_names,
    translator,
    translator_names,
    unused_statistics,
)

WAYS = ("forward", "backward", "cycle")
GENERATORS = ("generator", "reverse_generator")
DISCRIMINATORS = ("discriminator", "source_discriminator")


class Cycles(NamedTuple):
    """Both cycles of a batch: sources there and back, and images back and there."""

    fake_image: jax.Array
    cycled_source: jax.Array
    fake_source: jax.Array
    cycled_image: jax.Array


class CycleGan(Method):
    """CycleGAN (section 3), in the order and with the weights of the authors' PyTorch code.

    `generator` maps sources (domain A) to images (B), `reverse_generator` back; `discriminator` judges images and
    `source_discriminator` sources: the authors' G_A, G_B, D_A and D_B. Both generators learn in one update. Then both
    discriminators do, from images that the generators made before it, each by way of a pool. (The Lua code has four
    updates, and no gradient through the other generator's.) The identity term is on in the code, and in the paper for
    paintings alone (section 5.2).
    """

    def networks(self) -> dict[str, nn.Module]:
        generators = {name: translator(self.config) for name in GENERATORS}
        discriminators = {name: patch_discriminator(self.config) for name in DISCRIMINATORS}
        pools = {name: ImagePool(self.config.model.pool_size) for name in ("pool", "source_pool")}
        return generators | discriminators | pools

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("generator", trains=GENERATORS, loss=self.generator_loss),
            Phase("discriminator", trains=DISCRIMINATORS, loss=self.discriminator_loss),
        )

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        source, image = batch["source"], batch["image"]
        to_cycle, to_image, to_source = jax.random.split(rng, 3)
        cycles = self.cycles(nets, source, image, to_cycle)
        nets.kept |= {"fake_image": cycles.fake_image, "fake_source": cycles.fake_source}
        weights, kind = {**self.config.loss.weights}, self.config.loss.adversarial
        terms = {}
        if weights["identity"]:
            # The authors cross lambda_A and lambda_B here: either goes with the domain whose images are compared.
            terms["identity_image"] = mean_absolute(self.translate(nets, image, to_image), image)
            terms["identity_source"] = mean_absolute(self.translate(nets, source, to_source, back=True), source)
            weights["identity_image"] = weights["identity"] * weights["cycle_image"]
            weights["identity_source"] = weights["identity"] * weights["cycle_source"]
        terms |= {
            "adversarial_image": generator_loss([nets.discriminator(cycles.fake_image)[-1]], kind),
            "adversarial_source": generator_loss([nets.source_discriminator(cycles.fake_source)[-1]], kind),
            "cycle_source": mean_absolute(cycles.cycled_source, source),
            "cycle_image": mean_absolute(cycles.cycled_image, image),
        }
        return sum(weights[name] * term for name, term in terms.items()), terms

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        of_images, of_sources = jax.random.split(rng)
        fake_image = nets.pool(nets.kept["fake_image"], *self.pool_draws(of_images, batch["image"]))
        fake_source = nets.source_pool(nets.kept["fake_source"], *self.pool_draws(of_sources, batch["source"]))
        judged = {
            "image": (nets.discriminator, batch["image"], fake_image),
            "source": (nets.source_discriminator, batch["source"], fake_source),
        }
        terms = {}
        for domain, (discriminator, real, fake) in judged.items():
            on_real, on_fake = discriminator(real)[-1], discriminator(fake)[-1]
            losses = discriminator_loss([on_real], [on_fake], self.config.loss.adversarial)
            terms |= dict(zip((f"real_{domain}", f"fake_{domain}"), losses, strict=True))
        return sum(terms.values()) / 2, terms

    def pool_draws(self, rng: jax.Array, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        """What a pool takes beside images [B, H, W, C]: uniform draws [B], and indices [B] into it."""
        to_exchange, to_choose = jax.random.split(rng)
        count, size = len(images), max(self.config.model.pool_size, 1)
        return jax.random.uniform(to_exchange, (count,)), jax.random.randint(to_choose, (count,), 0, size)

    def cycles(self, nets: Nets, source: jax.Array, image: jax.Array, rng: jax.Array) -> Cycles:
        """Sources [B, H, W, C] and images translated, and translated again."""
        keys = jax.random.split(rng, 4)
        fake_image = self.translate(nets, source, keys[0])
        cycled_source = self.translate(nets, fake_image, keys[1], back=True)
        fake_source = self.translate(nets, image, keys[2], back=True)
        return Cycles(fake_image, cycled_source, fake_source, self.translate(nets, fake_source, keys[3]))

    def translate(self, nets: Nets, x: jax.Array, rng: jax.Array, *, back: bool = False) -> jax.Array:
        """Images [B, H, W, C] in the other domain; `rng` draws dropout where the model has it."""
        generator = nets.reverse_generator if back else nets.generator
        return generator(x, rngs=dropout_rngs(self.config.model, rng))

    def generate(self, nets: Nets, batch: Batch, rng: jax.Array, *, way: str = "forward") -> jax.Array:
        """Translations of the batch.

        Args:
            way: `forward` translates batch["source"], `backward` batch["image"] (to the domain of sources), and
                `cycle` takes batch["source"] there and back.

        Raises:
            UserError: no such way.
        """
        if way not in WAYS:
            raise UserError(f"way = {way!r}: choose one of {', '.join(WAYS)}")
        there, back = jax.random.split(rng)
        if way == "backward":
            return self.translate(nets, batch["image"], back, back=True)
        image = self.translate(nets, batch["source"], there)
        return image if way == "forward" else self.translate(nets, image, back, back=True)

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        generators = dict.fromkeys(GENERATORS, translator_names(model))
        return generators | dict.fromkeys(DISCRIMINATORS, patch_discriminator_names(model))

    def unused_entries(self) -> dict[str, tuple[str, ...]]:
        return unused_statistics(self.config.model, GENERATORS, DISCRIMINATORS)

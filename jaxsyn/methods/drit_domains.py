"""DRIT++ for several domains in one model (MDMM; Lee et al., IJCV 2020, arXiv 1905.01270, section 3.5)."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxsyn.errors import UserError
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Phase, Rules, Terms
from jaxsyn.methods.content_attribute import ContentAttribute, interleave, mean_square, separate
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.style_choice import choose_style
from jaxsyn.methods.target_domains import target_domains
from jaxsyn.networks.drit_attribute_encoder import code_names, posterior_names
from jaxsyn.networks.drit_content_encoder import NUM_BLOCKS, content_encoder_names
from jaxsyn.networks.drit_discriminators import content_discriminator_names
from jaxsyn.networks.drit_domain_discriminator import DOMAIN_DISCRIMINATOR_NAMES, DritDomainDiscriminator
from jaxsyn.networks.drit_generator import concat_names, transform_names

# The one branch of every network, which is told the domain.
BRANCH = "every"
OBJECTIVE = "cross_entropy"


class Pairs(NamedTuple):
    """Images of two halves, sources and images of a batch, as neighbours.

    Attributes:
        image: [2B, H, W, C].
        domain: one-hot, [2B, num_domains].
    """

    image: jax.Array
    domain: jax.Array


class DritDomains(ContentAttribute):
    """DRIT for several domains, in the order and with the weights of the authors' code (MDMM).

    One content encoder, attribute encoder and generator serve all domains, the latter two told which; so do
    `discriminator` (of swapped attributes; the authors' dis1) and `random_discriminator` (of drawn ones, dis2), which
    also classify domains. batch["source"] and batch["image"], with their domains, translate each other. (The authors
    halve one batch so; the halves, too, may share a domain.)

    With `loss.weights.content_adversarial` a content discriminator classifies the domain of content codes. Then it
    alone learns in all but the last of every `loss.content_iterations` steps, and in that all the others. Without it
    every step updates discriminators, then encoders and generator by the cross-cycle (`reconstruction`), then content
    encoder and generator by translations with drawn attributes (`random`); as in `Drit` both gradients are those of the
    weights that the step's translations come from. Adversarial terms are summed over the images of a batch, as in the
    authors' code, whose recipe has batches of two.
    """

    @property
    def num_domains(self) -> int:
        """Domains of the data.

        Raises:
            UserError: there are none.
        """
        if not self.config.data.domains:
            raise UserError("data.domains is not set: this method translates between several domains, by their names")
        return len(self.config.data.domains)

    def networks(self) -> dict[str, nn.Module]:
        options = {**self.config.model.discriminator, **self.layer_options}
        discriminator = DritDomainDiscriminator(self.num_domains, self.config.data.height, **options)
        networks = {
            **self.auto_encoder((BRANCH,)),
            "discriminator": discriminator,
            "random_discriminator": discriminator,
        }
        if self.has_content_discriminator:
            networks["content_discriminator"] = self.content_discriminator(self.num_domains)
        return networks

    @property
    def has_content_discriminator(self) -> bool:
        """Whether content codes are judged (the authors' `--isDcontent`)."""
        return bool(self.config.loss.weights.content_adversarial)

    def phases(self) -> tuple[Phase, ...]:
        iterations = self.config.loss.content_iterations if self.has_content_discriminator else 1
        full = {"every": iterations, "first": iterations - 1}
        trained = ("content_encoder", "attribute_encoder", "generator")
        phases = (
            Phase("discriminator", ("discriminator", "random_discriminator"), self.discriminator_loss, **full),
            Phase("reconstruction", trained, self.reconstruction_loss, **full),
            Phase("random", ("content_encoder", "generator"), self.random_loss, **full, beside=True),
        )
        if iterations == 1:
            return phases
        between = {"every": iterations, "times": iterations - 1}
        name = "content_discriminator"
        return (Phase(name, (name,), self.content_discriminator_loss, **between), *phases)

    def content_discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        pairs = self.pairs(batch)
        content = self.encode_content(nets, pairs.image, rng)
        loss = self.content_domain_loss(nets, content, pairs.domain)
        return loss, {"domain": loss}

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        nets.kept["rng"] = rng  # the draws of a step are the same in all its phases
        pairs = self.pairs(batch)
        content = self.encode_content(nets, pairs.image, rng)
        attribute = self.encode_attribute(nets, pairs.image, BRANCH, rng, "attribute", pairs.domain)
        swapped, random = self.decode(nets, pairs.domain, (swap(content), attribute.code), self.random(content, rng))
        terms, classification = {}, self.config.loss.weights.discriminator_classification
        for name, fake in (("discriminator", swapped), ("random_discriminator", random)):
            on_fake, on_real = (getattr(nets, name)(images) for images in (fake, pairs.image))
            losses = discriminator_loss([on_real.patches], [on_fake.patches], OBJECTIVE)
            kind = "random" if name == "random_discriminator" else "swapped"
            terms[f"{kind}_adversarial"] = len(fake) * sum(losses)
            terms[f"{kind}_classification"] = domain_loss(on_real.domains, pairs.domain)
        total = sum(term * (classification if "classification" in name else 1) for name, term in terms.items())
        return total, terms

    def reconstruction_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        rng, pairs = nets.kept["rng"], self.pairs(batch)
        content = self.encode_content(nets, pairs.image, rng)
        attribute = self.encode_attribute(nets, pairs.image, BRANCH, rng, "attribute", pairs.domain)
        codes = (swap(content), attribute.code), (content, attribute.code)
        swapped, reconstructed = self.decode(nets, pairs.domain, *codes)
        content_again = self.encode_content(nets, swapped, rng, "content_again")
        attribute_again = self.encode_attribute(nets, swapped, BRANCH, rng, "attribute_again", pairs.domain)
        (cycled,) = self.decode(nets, pairs.domain, (swap(content_again), attribute_again.code))
        terms = {
            **self.judged(nets, "discriminator", swapped, pairs.domain),
            "reconstruction": mean_absolute(reconstructed, pairs.image),
            "cross_cycle": mean_absolute(cycled, pairs.image),
            "content_prior": mean_square(content),
            "attribute_prior": attribute.prior_loss(),
        }
        if self.has_content_discriminator:
            terms["content_adversarial"] = self.content_domain_loss(nets, content, 1 - pairs.domain)
        return self.weigh(terms)

    def random_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        rng, pairs = nets.kept["rng"], self.pairs(batch)
        content, drawn = self.random(self.encode_content(nets, pairs.image, rng), rng)
        (fake,) = self.decode(nets, pairs.domain, (content, drawn))
        regressed = self.regressed_attribute(nets, fake, BRANCH, pairs.domain)
        terms = self.judged(nets, "random_discriminator", fake, pairs.domain)
        # The sum over the two halves.
        return self.weigh(terms | {"latent": 2 * mean_absolute(regressed, drawn)})

    def judged(self, nets: Nets, network: str, fake: jax.Array, domain: jax.Array) -> Terms:
        """What the generator minimises before a discriminator."""
        judgement = getattr(nets, network)(fake)
        return {
            "adversarial": len(fake) * generator_loss([judgement.patches], OBJECTIVE),
            "classification": domain_loss(judgement.domains, domain),
        }

    def content_domain_loss(self, nets: Nets, content: jax.Array, domain: jax.Array) -> jax.Array:
        """Of the domains by content codes; where larger images give several logits, of their means."""
        logits = nets.content_discriminator(content)[-1]
        return domain_loss(logits.astype(jnp.float32).mean((1, 2)), domain)

    def pairs(self, batch: Batch) -> Pairs:
        """The batch's sources and images, an image beside its source."""
        domains = (jax.nn.one_hot(batch[name], self.num_domains) for name in ("source_domain", "domain"))
        return Pairs(interleave(batch["source"], batch["image"]), interleave(*domains))

    def random(self, content: jax.Array, rng: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The other's content for each image, and the attributes drawn for it: both of a pair have the same."""
        drawn = self.draw(rng, "random", (len(content) // 2, self.config.model.attribute_dim))
        return swap(content), interleave(drawn, drawn)

    def encode_content(self, nets: Nets, image: jax.Array, rng: jax.Array, name: str = "content") -> jax.Array:
        """The content codes of images [B, H, W, C], with the noise of training."""
        return self.noisy(nets.content_encoder(image, BRANCH), rng, name)

    def decode(self, nets: Nets, domain: jax.Array, *codes: tuple[jax.Array, jax.Array]) -> list[jax.Array]:
        """Images of domains [B, num_domains], of several batches of contents and attributes, in one pass."""
        contents, attributes = (interleave(*arrays) for arrays in zip(*codes, strict=True))
        images = nets.generator(contents, attributes, BRANCH, interleave(*[domain] * len(codes)))[0]
        return list(separate(images, len(codes)))

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        domain: int | str | jax.Array | None = None,
        style: jax.Array | None = None,
        style_image: jax.Array | None = None,
        toward: jax.Array | None = None,
        toward_image: jax.Array | None = None,
        mix: jax.Array | float = 0.5,
    ) -> jax.Array:
        """Images [B, H, W, 3] with the content of batch["source"].

        Args:
            domain: the target of all images, by number or name, or of each, [B]; by default batch["domain"]. With the
                domain of the source, and its own image as style, it is reconstructed.
            style: [B, attribute_dim], or [1, attribute_dim] for all; drawn from N(0, 1) without any.
            style_image: [B, h, w, 3] or [1, h, w, 3] exemplars of the target domain, whose attributes to take (such as
                batch["image"]); where these are Gaussians `rng` draws from them.
            toward, toward_image: a second style, likewise; the one that is used is (1 - mix) style + mix toward.
            mix: scalar or [B].

        Raises:
            UserError: no such domain, or a style that is given twice or has another shape.
        """
        source = batch["source"]
        shape = source.shape[0], self.config.model.attribute_dim
        names = tuple(self.config.data.domains)
        numbers = batch["domain"] if domain is None else target_domains(domain, names, shape[0])
        target = jax.nn.one_hot(numbers, self.num_domains)
        styles = {"style": style, "style_image": style_image, "toward": toward, "toward_image": toward_image}
        attribute = choose_style(self.exemplar_encoder(nets, rng, BRANCH, target), shape, **styles, mix=mix)
        if attribute is None:
            attribute = self.draw(rng, "random", shape)
        return nets.generator(nets.content_encoder(source, BRANCH), attribute, BRANCH, target)[0]

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        concat, downs = model.concat, model.num_downsamplings
        attribute = posterior_names(BRANCH, "conv", "fc", "fcVar") if concat else code_names(BRANCH, "model")
        # Their generator that transforms features kept the name decA5 from the form with two domains.
        generator = concat_names(BRANCH, "dec", False) if concat else transform_names(BRANCH, "dec", "decA5", "mlp")
        num_layers = model.content_discriminator.num_layers
        # The shared block is the last of their sequence.
        shared = f"conv.{1 + downs + NUM_BLOCKS}"
        return {
            "content_encoder": content_encoder_names({BRANCH: "conv"}, shared, downs),
            "attribute_encoder": tuple(attribute),
            "generator": tuple(generator),
            "discriminator": DOMAIN_DISCRIMINATOR_NAMES,
            "random_discriminator": DOMAIN_DISCRIMINATOR_NAMES,
            "content_discriminator": content_discriminator_names(num_layers),
        }


def swap(codes: jax.Array) -> jax.Array:
    """Neighbours [2B, ...] in each other's place."""
    first, second = separate(codes, 2)
    return interleave(second, first)


def domain_loss(logits: jax.Array, domain: jax.Array) -> jax.Array:
    """Binary cross entropy of each logit [B, num_domains] against one-hot domains, the mean over all."""
    return optax.sigmoid_binary_cross_entropy(logits, domain).mean()

"""DRIT and DRIT++: diverse unpaired translation by disentangled representations (arXiv 1808.00948, 1905.01270)."""

from typing import NamedTuple

import flax.linen as nn
import jax

from jaxsyn.errors import UserError
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.diversity import mode_seeking
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Phase, Rules, Terms
from jaxsyn.methods.content_attribute import Attribute, ContentAttribute, interleave, mean_square, separate
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.style_choice import choose_style
from jaxsyn.methods.two_domains import DOMAINS, images_of, way_domains
from jaxsyn.networks.drit_attribute_encoder import code_names, posterior_names
from jaxsyn.networks.drit_content_encoder import content_encoder_names
from jaxsyn.networks.drit_discriminators import DritDiscriminator, content_discriminator_names, discriminator_names
from jaxsyn.networks.drit_generator import concat_names, transform_names

ENCODERS = ("content_encoder", "attribute_encoder")
# Of swapped attributes, and of drawn ones: the authors' disA, disB and disA2, disB2.
DISCRIMINATORS = ("discriminator_a", "discriminator_b")
RANDOM_DISCRIMINATORS = ("random_discriminator_a", "random_discriminator_b")
OBJECTIVE = "cross_entropy"

# Images of one batch at each scale of the generator, the finest first.
Scales = tuple[jax.Array, ...]


class Codes(NamedTuple):
    """What images of a domain are taken apart into; the content is [B, h, w, C], with the noise of training."""

    content: jax.Array
    attribute: Attribute


class Drit(ContentAttribute):
    """DRIT (section 3), DRIT++ (sections 3.1 to 3.4) and DRIT_hr, in the order and with the weights of their code.

    Batches: batch["source"] is of domain a, batch["image"] of b. Of every `loss.group` images the first is translated;
    the others are the real samples for the discriminators of translations with drawn attributes. Both networks of a
    kind are one with branches a and b, as the authors have them.

    A step updates the content discriminator; the last of every `loss.content_iterations` steps also the other
    discriminators, then encoders and generator by the cross-cycle (`reconstruction`), then content encoder and
    generator by translations with drawn attributes (`random`). The authors take the last two from one forward pass, and
    run the second backward through weights that the first has changed already, which later versions of PyTorch refuse:
    here both gradients are those of the weights of the forward pass. Their last two batches of an epoch are whole steps
    too; here epochs do not count. Biases begin at zero (the authors' at torch's uniform draw).

    With `loss.weights.mode_seeking` a second attribute is drawn, and counts as the first does (DRIT++); with
    `model.two_scale` (DRIT_hr) for mode seeking alone.
    """

    def networks(self) -> dict[str, nn.Module]:
        discriminator = DritDiscriminator(**self.config.model.discriminator, **self.layer_options)
        return {
            **self.auto_encoder(tuple(DOMAINS)),
            "content_discriminator": self.content_discriminator(1),
            **dict.fromkeys((*DISCRIMINATORS, *RANDOM_DISCRIMINATORS), discriminator),
        }

    def phases(self) -> tuple[Phase, ...]:
        iterations = self.config.loss.content_iterations
        full = {"every": iterations, "first": iterations - 1}
        judges, random = (*DISCRIMINATORS, *RANDOM_DISCRIMINATORS), ("content_encoder", "generator")
        return (
            Phase("content_discriminator", ("content_discriminator",), self.content_discriminator_loss),
            Phase("discriminator", judges, self.discriminator_loss, **full),
            Phase("reconstruction", (*ENCODERS, "generator"), self.reconstruction_loss, **full),
            Phase("random", random, self.random_loss, **full, beside=True),
        )

    def content_discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        nets.kept["rng"] = rng  # the draws of a step are the same in all its phases
        encoded, _ = self.split(batch)
        logits = {d: [nets.content_discriminator(self.encode_content(nets, encoded[d], d, rng))[-1]] for d in DOMAINS}
        of_b, of_a = discriminator_loss(logits["b"], logits["a"], OBJECTIVE)
        return of_a + of_b, {"content_a": of_a, "content_b": of_b}

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        rng, (encoded, others), terms = nets.kept["rng"], self.split(batch), {}
        codes = {d: self.encode(nets, encoded[d], d, rng) for d in DOMAINS}
        drawn, judged = self.draw_attributes(rng, len(encoded["a"])), self.judged_draws
        for domain, other in DOMAINS.items():
            content, attribute = codes[other].content, codes[domain].attribute.code
            fakes = self.decode(nets, domain, *((content, each) for each in (attribute, *drawn[:judged])))
            swapped, *random = fakes
            terms[f"swapped_{domain}"] = self.judge(nets, f"discriminator_{domain}", encoded[domain], swapped)
            network = f"random_discriminator_{domain}"
            terms[f"random_{domain}"] = sum(self.judge(nets, network, others[domain], fake) for fake in random)
        return sum(terms.values()), terms

    def judge(self, nets: Nets, network: str, real: jax.Array, fake: Scales) -> jax.Array:
        """What a discriminator minimises on real images and on generated ones: the sum over its scales."""
        discriminator = getattr(nets, network)
        on_fake, on_real = ([layers[-1] for layers in discriminator(*images)] for images in (fake, (real,)))
        return len(on_fake) * sum(discriminator_loss(on_real, on_fake, OBJECTIVE))

    def fool(self, nets: Nets, network: str, fake: Scales) -> jax.Array:
        """What the generator minimises before a discriminator: the sum over its scales."""
        logits = [layers[-1] for layers in getattr(nets, network)(*fake)]
        return len(logits) * generator_loss(logits, OBJECTIVE)

    def reconstruction_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        rng, (real, _), terms = nets.kept["rng"], self.split(batch), {}
        codes = {d: self.encode(nets, real[d], d, rng) for d in DOMAINS}
        swapped = {}
        for domain, other in DOMAINS.items():
            content, attribute = codes[domain]
            swap = codes[other].content, attribute.code
            swapped[domain], reconstructed = self.decode(nets, domain, swap, (content, attribute.code))
            terms[f"reconstruction_{domain}"] = mean_absolute(reconstructed[0], real[domain])
            terms[f"adversarial_{domain}"] = self.fool(nets, f"discriminator_{domain}", swapped[domain])
            logits = nets.content_discriminator(content)[-1]
            # Cross entropy against one half: undecided is best.
            terms[f"content_adversarial_{domain}"] = sum(discriminator_loss([logits], [logits], OBJECTIVE)) / 2
            terms[f"content_prior_{domain}"] = mean_square(content)
            terms[f"attribute_prior_{domain}"] = attribute.prior_loss()
        again = {d: self.encode(nets, swapped[d][0], d, rng, again=True) for d in DOMAINS}
        for domain, other in DOMAINS.items():
            (cycled,) = self.decode(nets, domain, (again[other].content, again[domain].attribute.code))
            terms[f"cross_cycle_{domain}"] = mean_absolute(cycled[0], real[domain])
        return self.weigh(terms)

    def random_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        rng, (real, _), terms = nets.kept["rng"], self.split(batch), {}
        content = {d: self.encode_content(nets, real[d], d, rng) for d in DOMAINS}
        drawn, judged = self.draw_attributes(rng, len(real["a"])), self.judged_draws
        for domain, other in DOMAINS.items():
            fakes = self.decode(nets, domain, *((content[other], each) for each in drawn))
            losses = [self.fool(nets, f"random_discriminator_{domain}", fake) for fake in fakes[:judged]]
            terms[f"adversarial_{domain}"] = sum(losses)
            terms[f"latent_{domain}"] = mean_absolute(self.regressed_attribute(nets, fakes[0][0], domain), drawn[0])
            if len(drawn) > 1:
                terms[f"mode_seeking_{domain}"] = mode_seeking(*(fake[0] for fake in fakes), *drawn)
        return self.weigh(terms)

    def split(self, batch: Batch) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
        """Domain -> the images that are translated, and domain -> the others.

        Raises:
            UserError: no groups of two images or more, or a batch that is not whole groups.
        """
        group, encoded, others = self.config.loss.group, {}, {}
        for domain, images in images_of(batch).items():
            if group < 2 or len(images) % group:
                raise UserError(
                    f"loss.group={group} with {len(images)} images: it is at least 2, and batch_size a multiple of it"
                )
            groups = images.reshape(-1, group, *images.shape[1:])
            encoded[domain] = groups[:, 0]
            others[domain] = groups[:, 1:].reshape(-1, *images.shape[1:])
        return encoded, others

    def draw_attributes(self, rng: jax.Array, count: int) -> list[jax.Array]:
        """The drawn attributes [count, attribute_dim]: one, or two where modes are sought."""
        names = ("random", "random_2") if self.config.loss.weights.mode_seeking else ("random",)
        return [self.draw(rng, name, (count, self.config.model.attribute_dim)) for name in names]

    @property
    def judged_draws(self) -> int:
        """With how many of the drawn attributes translations are judged, at most."""
        return 1 if self.config.model.two_scale else 2

    def encode_content(
        self, nets: Nets, image: jax.Array, domain: str, rng: jax.Array, name: str = "content"
    ) -> jax.Array:
        """The content codes of images [B, H, W, C], with the noise of training."""
        return self.noisy(nets.content_encoder(image, domain), rng, f"{name}_{domain}")

    def encode(self, nets: Nets, image: jax.Array, domain: str, rng: jax.Array, *, again: bool = False) -> Codes:
        """The codes of images, or again those of translations."""
        of_content, of_attribute = ("content_again", "attribute_again") if again else ("content", "attribute")
        content = self.encode_content(nets, image, domain, rng, of_content)
        return Codes(content, self.encode_attribute(nets, image, domain, rng, f"{of_attribute}_{domain}"))

    def decode(self, nets: Nets, domain: str, *codes: tuple[jax.Array, jax.Array]) -> list[Scales]:
        """Images in a domain of several batches of contents and attributes, in one pass."""
        contents, attributes = (interleave(*arrays) for arrays in zip(*codes, strict=True))
        scales = [separate(images, len(codes)) for images in nets.generator(contents, attributes, domain)]
        return list(zip(*scales, strict=True))

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        way: str = "forward",
        style: jax.Array | None = None,
        style_image: jax.Array | None = None,
        toward: jax.Array | None = None,
        toward_image: jax.Array | None = None,
        mix: jax.Array | float = 0.5,
    ) -> jax.Array:
        """Images [B, H, W, 3] with the batch's content.

        Args:
            way: `forward` translates batch["source"], `backward` batch["image"]; `source` and `image` decode the one or
                the other in its own domain; `cycle` takes batch["source"] there, and back with its own style.
            style: [B, attribute_dim], or [1, attribute_dim] for all, attributes of the domain of the result (`cycle`:
                of the translation between). Without any, they are drawn, but in their own domain images keep their own.
            style_image: [B, h, w, 3] or [1, h, w, 3] exemplars of that domain, whose attributes to take; where these
                are Gaussians `rng` draws from them, as the authors do. A batch's other images swap their style into
                its content.
            toward, toward_image: a second style, likewise; the one that is used is (1 - mix) style + mix toward.
            mix: scalar or [B].

        Raises:
            UserError: no such way, or a style that is given twice or has another shape.
        """
        origin, domain = way_domains(way)
        image = images_of(batch)[origin]
        content = nets.content_encoder(image, origin)
        shape = image.shape[0], self.config.model.attribute_dim
        styles = {"style": style, "style_image": style_image, "toward": toward, "toward_image": toward_image}
        attribute = choose_style(self.exemplar_encoder(nets, rng, domain), shape, **styles, mix=mix)
        if attribute is None and origin == domain:
            attribute = self.encode_attribute(nets, image, origin, rng, "own").code
        if attribute is None:
            attribute = self.draw(rng, "random", shape)
        made = nets.generator(content, attribute, domain)[0]
        if way == "cycle":
            own = self.encode_attribute(nets, image, origin, rng, "own").code
            made = nets.generator(nets.content_encoder(made, domain), own, origin)[0]
        return made

    def checkpoint_names(self) -> dict[str, Rules]:
        model, branches = self.config.model, [(domain, domain.upper()) for domain in DOMAINS]
        attribute, generator = [], []
        for ours, theirs in branches:
            if model.concat:
                attribute += posterior_names(ours, f"conv_{theirs}", f"fc_{theirs}", f"fcVar_{theirs}")
                generator += concat_names(ours, f"dec{theirs}", model.two_scale)
            else:
                attribute += code_names(ours, f"model_{ours}")
                generator += transform_names(ours, f"dec{theirs}", f"dec{theirs}5", f"mlp{theirs}")
        content = content_encoder_names(
            {ours: f"conv{theirs}" for ours, theirs in branches}, "conv_share.0", model.num_downsamplings
        )
        judge = discriminator_names(model.discriminator.num_scales)
        return {
            "content_encoder": content,
            "attribute_encoder": tuple(attribute),
            "generator": tuple(generator),
            "content_discriminator": content_discriminator_names(model.content_discriminator.num_layers),
            **dict.fromkeys((*DISCRIMINATORS, *RANDOM_DISCRIMINATORS), judge),
        }

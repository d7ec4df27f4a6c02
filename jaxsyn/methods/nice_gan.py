"""NICE-GAN: the discriminator's first layers are the encoder (Chen et al., CVPR 2020, arXiv 2003.00273)."""

import flax.linen as nn
import jax
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.layers import initializer
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.networks.nice_discriminator import Judgement, NiceDiscriminator, nice_discriminator_names
from jaxsyn.networks.nice_generator import NiceGenerator, nice_generator_names

# A domain, named as its images are in a batch, and the other one.
DOMAINS = {"source": "image", "image": "source"}
GENERATORS = {"source": "source_generator", "image": "generator"}
DISCRIMINATORS = {"source": "source_discriminator", "image": "discriminator"}
HEADS = ("global", "local", "cam")
# What `generate` can do: the domain that is encoded, and the one that is generated.
WAYS = {
    "forward": ("source", "image"),
    "backward": ("image", "source"),
    "source": ("source", "source"),
    "image": ("image", "image"),
    "cycle": ("source", "image"),
}


class NiceGan(Method):
    """NICE-GAN (section 3), in the order and with the weights of the authors' code.

    `generator` makes images of batch["image"]'s domain, `source_generator` of batch["source"]'s (the authors' gen2B and
    gen2A). Either reads codes of either domain's discriminator: `discriminator` encodes and judges images,
    `source_discriminator` sources (disB and disA).

    Training is decoupled (section 3.3): both discriminators learn first, their encoders with them, from the
    adversarial objective alone; then both generators do, through encoders and heads that stay as they are. So a cycle's
    gradient passes through the encoder of a generated image, and reconstruction, the other domain's generator left
    out, trains a generator on the code of a real one.

    Biases begin at zero (the authors' at torch's uniform draw). The third, batch part of their norm, which is off in
    every recipe of theirs, is left out.
    """

    def networks(self) -> dict[str, nn.Module]:
        model = self.config.model
        options = {"kernel_init": initializer(model.init, model.init_gain), "dtype": self.dtype}
        downs = model.num_downsamplings
        generator = NiceGenerator(**model.generator, num_upsamplings=downs, remat=self.config.remat, **options)
        discriminator = NiceDiscriminator(**model.discriminator, num_downsamplings=downs, **options)
        generators = dict.fromkeys(GENERATORS.values(), generator)
        return generators | dict.fromkeys(DISCRIMINATORS.values(), discriminator)

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", trains=tuple(DISCRIMINATORS.values()), loss=self.discriminator_loss),
            Phase("generator", trains=tuple(GENERATORS.values()), loss=self.generator_loss),
        )

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        on_real = {domain: self.judge(nets, domain, batch[domain]) for domain in DOMAINS}
        terms = {}
        for domain, other in DOMAINS.items():
            fake = lax.stop_gradient(self.decode(nets, domain, on_real[other].code))
            on_fake, real = self.judge(nets, domain, fake).logits, on_real[domain].logits
            for head in HEADS:
                losses = discriminator_loss([real[head]], [on_fake[head]], self.config.loss.adversarial)
                terms[f"{head}_{domain}"] = sum(losses)
        return self.weigh(terms)

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        # Heads are not needed on real images, but their spectral vectors move in every pass of the authors' too.
        codes = {domain: self.judge(nets, domain, batch[domain]).code for domain in DOMAINS}
        on_fake, terms = {}, {}
        for domain, other in DOMAINS.items():
            on_fake[domain] = self.judge(nets, domain, self.decode(nets, domain, codes[other]))
            for head, logits in on_fake[domain].logits.items():
                terms[f"{head}_{domain}"] = generator_loss([logits], self.config.loss.adversarial)
        for domain, other in DOMAINS.items():
            for term, code in (("cycle", on_fake[other].code), ("reconstruction", codes[domain])):
                terms[f"{term}_{domain}"] = mean_absolute(self.decode(nets, domain, code), batch[domain])
        return self.weigh(terms)

    def weigh(self, terms: Terms) -> tuple[jax.Array, Terms]:
        weights = {**self.config.loss.weights}
        weights |= dict.fromkeys(HEADS, weights["adversarial"])
        return sum(weights[name.rpartition("_")[0]] * term for name, term in terms.items()), terms

    def judge(self, nets: Nets, domain: str, images: jax.Array) -> Judgement:
        """What a domain's discriminator says of images [B, H, W, C], and their code."""
        return getattr(nets, DISCRIMINATORS[domain])(images)

    def encode(self, nets: Nets, domain: str, images: jax.Array) -> jax.Array:
        """The code [B, h, w, C] of images of a domain.

        Raises:
            UserError: images of a size that the generators do not make.
        """
        height, width = images.shape[1:3]
        data, light = self.config.data, self.config.model.generator.light
        if not light and (height, width) != (data.height, data.width):
            raise UserError(
                f"images of {height}x{width}: the full model is of one size, data.height x data.width = "
                f"{data.height}x{data.width}; resize them, or train with --config.model.generator.light=True"
            )
        multiple = 2**self.config.model.num_downsamplings
        if height % multiple or width % multiple:
            raise UserError(f"images of {height}x{width}: this NICE-GAN needs multiples of {multiple}")
        return getattr(nets, DISCRIMINATORS[domain])(images, method="encode")

    def decode(self, nets: Nets, domain: str, code: jax.Array) -> jax.Array:
        """Images [B, H, W, C] in a domain, in [-1, 1], of codes of either domain."""
        return getattr(nets, GENERATORS[domain])(code)

    def heatmap(self, nets: Nets, batch: Batch, domain: str = "source") -> jax.Array:
        """Where the encoder looks in batch[domain]: [B, h, w], the sums of the attended features."""
        return self.encode(nets, domain, batch[domain]).sum(-1)

    def generate(self, nets: Nets, batch: Batch, rng: jax.Array, *, way: str = "forward") -> jax.Array:
        """Translations of the batch; nothing is drawn.

        Args:
            way: `forward` translates batch["source"], `backward` batch["image"] (to the domain of sources), `cycle`
                takes batch["source"] there and back; `source` and `image` reconstruct these from their codes.

        Raises:
            UserError: no such way, or images of a size that the model does not take.
        """
        if way not in WAYS:
            raise UserError(f"way = {way!r}: choose one of {', '.join(WAYS)}")
        origin, target = WAYS[way]
        images = self.decode(nets, target, self.encode(nets, origin, batch[origin]))
        return self.decode(nets, origin, self.encode(nets, target, images)) if way == "cycle" else images

    def checkpoint_names(self) -> dict[str, Rules]:
        model, downs = self.config.model, self.config.model.num_downsamplings
        generators = dict.fromkeys(GENERATORS.values(), nice_generator_names(downs, model.generator.num_blocks))
        names = nice_discriminator_names(downs, model.discriminator.num_layers)
        return generators | dict.fromkeys(DISCRIMINATORS.values(), names)

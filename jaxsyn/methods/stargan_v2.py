"""StarGAN v2: many domains and many styles of each by one generator (Choi et al., CVPR 2020, arXiv 1912.01865)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.layers import initializer
from jaxsyn.layers.landmark_masks import enlarge_heatmaps, landmark_masks
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.gradient_penalty import r1_penalty
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Frozen, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.target_domains import target_domains
from jaxsyn.networks.domain_heads import (
    MAPPING_NAMES,
    DomainDiscriminator,
    DomainStyleEncoder,
    ImageFeatures,
    MappingNetwork,
    choose_domain,
    image_names,
)
from jaxsyn.networks.face_alignment import FACE_ALIGNMENT_NAMES, FaceAlignment
from jaxsyn.networks.restyling_generator import RESTYLING_NAMES, RestylingGenerator

GUIDES = ("latent", "reference")
SMALLEST = 32
# Latents whose mean style truncation goes towards.
MEAN_OF = 10_000


class StarGanV2(Method):
    """StarGAN v2 (section 2), in the order and with the weights of the authors' code.

    Batches hold pictures "source" of the domains "source_domain", and references "image" and "second_image" of the
    domains "domain", into which the sources are translated. A step has four updates: the discriminator's by styles of
    latents, then by styles of references; the generator's by styles of latents, with mapping network and style
    encoder; and the generator's alone by styles of references. All share two latents. The diversity term loses its
    weight linearly, step by step; after `loss.diversity_steps` it stays at zero.

    `model.high_pass` (faces) passes fine detail around the bottleneck, where masks of a frozen face alignment network
    let it: those of the source, and of the translated image on its way back.

    Averages start from the initial weights (the authors' from another initialisation, which soon decays out of them).
    """

    def networks(self) -> dict[str, nn.Module]:
        model, options = self.config.model, self.layer_options
        features = ImageFeatures(self.size, model.width, model.max_width, **options)
        mapping = {name: option for name, option in options.items() if name != "remat"}
        return {
            "generator": RestylingGenerator(
                model.width, model.max_width, self.num_downsamplings, model.high_pass, **options
            ),
            "mapping_network": MappingNetwork(self.num_domains, model.style_dim, model.hidden, **mapping),
            "style_encoder": DomainStyleEncoder(self.num_domains, features, model.style_dim),
            "discriminator": DomainDiscriminator(self.num_domains, features),
        }

    @property
    def size(self) -> int:
        """Height and width of the images.

        Raises:
            UserError: the config's are no square of a power of 2, or less than 32.
        """
        height, width = self.config.data.height, self.config.data.width
        if height != width or height < SMALLEST or height & (height - 1):
            raise UserError(
                f"data.height x data.width = {height}x{width}: this method trains on squares of a power of 2, at least "
                f"{SMALLEST}; set both to 256, or another"
            )
        return height

    @property
    def num_downsamplings(self) -> int:
        """Of the generator, down to features of `model.bottleneck` pixels, of half as many in the form for faces.

        Raises:
            UserError: the bottleneck is no power of 2 below the images' size.
        """
        bottleneck = self.config.model.bottleneck
        if bottleneck < 1 or bottleneck & (bottleneck - 1) or bottleneck >= self.size:
            raise UserError(
                f"model.bottleneck = {bottleneck}: it should be a power of 2 below data.height = {self.size}; the "
                "paper's is 16"
            )
        return self.size.bit_length() - bottleneck.bit_length() + bool(self.config.model.high_pass)

    @property
    def num_domains(self) -> int:
        """How many domains there are, N."""
        return len(self.config.data.domains)

    @property
    def layer_options(self) -> dict[str, Any]:
        """How all networks are initialised, and what they compute in."""
        return {"kernel_init": initializer(self.config.model.init), "remat": self.config.remat, "dtype": self.dtype}

    def frozen(self) -> dict[str, Frozen]:
        model = self.config.model
        if not model.high_pass:
            return {}
        remedy = (
            "model.face_alignment_weights is not set: the high-pass skip needs the face alignment network "
            "(the authors' wing.ckpt, or as .safetensors or .npz). Set it to the file's path, or go without by "
            "--config.model.high_pass=0, for pictures other than aligned faces"
        )
        network, weights = FaceAlignment(self.dtype), model.face_alignment_weights
        return {"face_alignment": Frozen(network, weights, remedy, FACE_ALIGNMENT_NAMES, (1, 256, 256, 3), True)}

    def idle_parameters(self) -> dict[str, tuple[str, ...]]:
        return {"generator": (r"^decode_\d+\.shortcut\.",)} if self.config.model.high_pass else {}

    def phases(self) -> tuple[Phase, ...]:
        discriminator, generators = ("discriminator",), ("generator", "mapping_network", "style_encoder")
        return (
            Phase("discriminator_latent", trains=discriminator, loss=self.discriminator_by_latent),
            Phase("discriminator_reference", trains=discriminator, loss=self.discriminator_by_reference),
            Phase("generator_latent", trains=generators, loss=self.generator_by_latent),
            Phase("generator_reference", trains=("generator",), loss=self.generator_by_reference),
        )

    def discriminator_by_latent(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        """Also draws the latents, and makes the masks, of all four phases."""
        nets.kept["latents"] = self.latents(rng, batch["source"].shape[0])
        if self.config.model.high_pass:
            nets.kept["masks"] = self.source_masks(nets, batch)
        return self.discriminator_loss(nets, batch, self.latent_style(nets, nets.kept["latents"][0], batch["domain"]))

    def discriminator_by_reference(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        return self.discriminator_loss(nets, batch, self.reference_style(nets, batch["image"], batch["domain"]))

    def generator_by_latent(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        styles = [self.latent_style(nets, latent, batch["domain"]) for latent in nets.kept["latents"]]
        return self.generator_loss(nets, batch, *styles)

    def generator_by_reference(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        images = batch["image"], batch["second_image"]
        return self.generator_loss(
            nets, batch, *(self.reference_style(nets, image, batch["domain"]) for image in images)
        )

    def discriminator_loss(self, nets: Nets, batch: Batch, style: jax.Array) -> tuple[jax.Array, Terms]:
        """Terms and total by sources, and by their translations into a style [B, D]."""

        def judge(image: jax.Array, domain: jax.Array) -> jax.Array:
            return choose_domain(nets.discriminator(image), domain)

        fake = lax.stop_gradient(nets.generator(batch["source"], style, nets.kept.get("masks")))
        r1, on_real = r1_penalty(lambda image: judge(image, batch["source_domain"]), batch["source"])
        real, fake = discriminator_loss([on_real], [judge(fake, batch["domain"])], "cross_entropy")
        return self.weigh({"real": real, "fake": fake, "r1": r1})

    def generator_loss(
        self, nets: Nets, batch: Batch, style: jax.Array, second_style: jax.Array
    ) -> tuple[jax.Array, Terms]:
        """Terms and total by the translation into a style [B, D]; the one into the second style is a constant."""
        source, domain, masks = batch["source"], batch["domain"], nets.kept.get("masks")
        fake = nets.generator(source, style, masks)
        second = lax.stop_gradient(nets.generator(source, second_style, masks))
        back = self.cycle_masks(nets, fake) if self.config.model.high_pass else None
        own_style = self.reference_style(nets, source, batch["source_domain"])
        terms = {
            "adversarial": generator_loss([choose_domain(nets.discriminator(fake), domain)], "cross_entropy"),
            "style": mean_absolute(self.reference_style(nets, fake, domain), style),
            "diversity": mean_absolute(fake, second),
            "cycle": mean_absolute(nets.generator(fake, own_style, back), source),
        }
        weights = {**self.config.loss.weights, "diversity": -self.diversity_weight(nets.step)}
        return sum(weights[name] * term for name, term in terms.items()), terms

    def diversity_weight(self, step: int | jax.Array) -> jax.Array:
        """By how much the diversity term counts, which the generator maximises, when so many steps are done."""
        left = jnp.maximum(1 - jnp.float32(step) / self.config.loss.diversity_steps, 0)
        return self.config.loss.weights.diversity * left

    def latents(self, rng: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
        """Two standard normal latents [count, Z]; styles of the second are for the diversity term."""
        first, second = jax.random.normal(rng, (2, count, self.config.model.latent_dim))
        return first, second

    def latent_style(self, nets: Nets, latent: jax.Array, domain: jax.Array) -> jax.Array:
        """The style [B, D] that a latent [B, Z] is in a domain [B]."""
        return choose_domain(nets.mapping_network(latent), domain)

    def reference_style(self, nets: Nets, image: jax.Array, domain: jax.Array) -> jax.Array:
        """The style [B, D] of images [B, H, W, 3] as ones of a domain [B]."""
        return choose_domain(nets.style_encoder(image), domain)

    def source_masks(self, nets: Nets, batch: Batch) -> jax.Array:
        """The high-pass skip's masks [B, 256, 256, 2] for the sources."""
        return self.face_masks(nets, batch["source"])

    def cycle_masks(self, nets: Nets, fake: jax.Array) -> jax.Array:
        """The high-pass skip's masks [B, 256, 256, 2] for translated images on their way back."""
        return self.face_masks(nets, fake)

    def face_masks(self, nets: Nets, image: jax.Array) -> jax.Array:
        """Masks [B, 256, 256, 2] of aligned faces [B, H, W, 3]; no gradient passes."""
        heatmaps = nets.face_alignment(lax.stop_gradient(image))
        return lax.stop_gradient(landmark_masks(enlarge_heatmaps(heatmaps)))

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        domain: int | str | jax.Array | None = None,
        latent: jax.Array | None = None,
        reference: jax.Array | None = None,
        style: jax.Array | None = None,
        second_style: jax.Array | None = None,
        amount: float | jax.Array | None = None,
        truncation: float | jax.Array | None = None,
        masks: jax.Array | None = None,
    ) -> jax.Array:
        """The batch's "source" in the style of a latent, of a reference, or as given; by default a new latent's.

        The default is `config.eval.guide`: "reference" takes the batch's "image" instead. The output is not clipped.

        Args:
            domain: the target of all images, by number or name, or of each, [B]; the batch's "domain" where not given.
            latent: [B, Z], standard normal.
            reference: [B, H, W, 3] images of the target domain whose style to take.
            style: [B, D], as `latent_style` and `reference_style` give them.
            second_style: [B, D], towards which to go by
            amount: 0 to 1, one for all or [B].
            truncation: share of the style's difference from the domain's mean style that is left; below 1 styles are
                less diverse and images more typical. For styles of latents.
            masks: [B, M, M, 2] of the high-pass skip, in place of the ones made by the face alignment network.

        Raises:
            UserError: controls that contradict each other, lack their partner, or have another shape.
        """
        source, model = batch["source"], self.config.model
        given = [
            name for name, x in {"latent": latent, "reference": reference, "style": style}.items() if x is not None
        ]
        if len(given) > 1:
            raise UserError(f"{' and '.join(given)} all say what style to take: give one of them")
        if (second_style is None) != (amount is None):
            raise UserError("second_style and amount go together: give both")
        guide = given[0] if given else self.guide
        if truncation is not None and guide != "latent":
            raise UserError(f"truncation is for styles of latents, and this one is of a {guide}: leave it out")
        if domain is not None:
            domain = target_domains(domain, tuple(self.config.data.domains), source.shape[0])
        elif guide != "style":
            domain = batch["domain"]
        _check_shape("latent", latent, (source.shape[0], model.latent_dim))
        _check_shape("style", style, (source.shape[0], model.style_dim))
        _check_shape("second_style", second_style, (source.shape[0], model.style_dim))
        if guide == "reference":
            style = self.reference_style(nets, batch["image"] if reference is None else reference, domain)
        elif guide == "latent":
            to_draw, to_average = jax.random.split(rng)
            latent = self.latents(to_draw, source.shape[0])[0] if latent is None else latent
            style = self.latent_style(nets, latent, domain)
            if truncation is not None:
                many = jax.random.normal(to_average, (MEAN_OF, model.latent_dim))
                style = _between(nets.mapping_network(many).mean(0)[domain], style, truncation)
        if second_style is not None:
            style = _between(style, second_style, amount)
        if model.high_pass and masks is None:
            masks = self.face_masks(nets, source)
        return nets.generator(source, style, masks)

    @property
    def guide(self) -> str:
        """What styles are taken from where `generate` is not told.

        Raises:
            UserError: no such guide.
        """
        guide = self.config.eval.guide
        if guide not in GUIDES:
            raise UserError(f"eval.guide = {guide!r} is not known; choose one of {', '.join(GUIDES)}")
        return guide

    def protocol(self) -> dict[str, Any]:
        return {"guide": self.guide}

    def checkpoint_names(self) -> dict[str, Rules]:
        return {
            "generator": RESTYLING_NAMES,
            "mapping_network": MAPPING_NAMES,
            "style_encoder": image_names(self.size, "shared"),
            "discriminator": image_names(self.size, "main"),
        }


def _between(start: jax.Array, end: jax.Array, amount: float | jax.Array) -> jax.Array:
    """start + amount * (end - start), for codes [B, D] and amounts of all, or [B]."""
    return start + jnp.reshape(jnp.asarray(amount), (-1, 1)) * (end - start)


def _check_shape(name: str, array: jax.Array | None, shape: tuple[int, ...]) -> None:
    if array is not None and jnp.shape(array) != shape:
        raise UserError(f"{name} has shape {jnp.shape(array)}: give {shape}")

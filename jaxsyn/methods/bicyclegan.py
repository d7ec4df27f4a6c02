"""BicycleGAN: paired translation with many results (Zhu et al., NIPS 2017, arXiv 1711.11586)."""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import initializer
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.losses.variational import kl_divergence, reparameterize
from jaxsyn.methods.base import Batch, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.networks.latent_encoder import ConvEncoder, ResnetEncoder, encoder_names
from jaxsyn.networks.latent_unet import LatentUnet, latent_unet_names
from jaxsyn.networks.patch_gan import PatchGANPyramid, patch_gan_pyramid_names

ENCODERS = {"resnet": ResnetEncoder, "conv": ConvEncoder}
# Of red, green and blue, as Pillow and torchvision weigh them.
LUMINANCE = (0.299, 0.587, 0.114)

Pair = tuple[jax.Array, jax.Array]


class BicycleGan(Method):
    """BicycleGAN (section 3.4), in the order and with the weights of the authors' code.

    Two cycles at once: cVAE-GAN encodes an image and must make it again from its source and the code; cLR-GAN draws a
    code and must find it again in the image that it makes. Generator and encoder learn first, in one update, in which
    the latent loss reaches the generator alone. Then the discriminators of both cycles do, from the images that were
    made before it. GAN terms are sums over scales and the divergence is a sum over images, so the batch size weighs in.
    """

    def networks(self) -> dict[str, nn.Module]:
        model = self.config.model
        common = {"kernel_init": initializer(model.init, model.init_gain), "dtype": self.dtype}
        if model.encoder.architecture not in ENCODERS:
            raise UserError(f"model.encoder.architecture = {model.encoder.architecture!r}: choose resnet or conv")
        encoder = ENCODERS[model.encoder.architecture]
        shape = (model.latent_size, model.encoder.num_levels, model.encoder.width, model.encoder.norm)
        return {
            "generator": LatentUnet(**model.generator, remat=self.config.remat, **common),
            "encoder": encoder(*shape, **common),
            **{name: PatchGANPyramid(**model.discriminator, **common) for name in self.discriminators().values()},
        }

    def discriminators(self) -> dict[str, str]:
        """Cycle (`encoded`, `random`) -> its discriminator; a cycle whose GAN term has no weight has none."""
        other = "discriminator" if self.config.model.shared_discriminator else "random_discriminator"
        names, weights = {"encoded": "discriminator", "random": other}, self.config.loss.weights
        return {cycle: name for cycle, name in names.items() if weights[f"adversarial_{cycle}"]}

    def phases(self) -> tuple[Phase, ...]:
        phases = [Phase("generator", trains=("generator", "encoder"), loss=self.generator_loss)]
        if judges := tuple(dict.fromkeys(self.discriminators().values())):
            phases.append(Phase("discriminator", trains=judges, loss=self.discriminator_loss))
        return tuple(phases)

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        source, image = self.pairs(batch)["encoded"]
        keys = jax.random.split(rng, 4)
        mean, log_variance = nets.encoder(image)
        code = reparameterize(mean, log_variance, self.noise(mean.shape, keys[0]))
        drawn = self.noise(mean.shape, keys[1])
        # Both cycles translate the same sources.
        fakes = {
            "encoded": self.synthesize(nets, source, code, keys[2]),
            "random": self.synthesize(nets, source, drawn, keys[3]),
        }
        nets.kept |= fakes
        terms = {"l1": mean_absolute(fakes["encoded"], image), "kl": kl_divergence(mean, log_variance)}
        if self.config.loss.weights.latent:
            found, _ = nets.constant("encoder")(fakes["random"])
            terms["latent"] = mean_absolute(found, drawn)
        for cycle in self.discriminators():
            logits = self.discriminate(nets, cycle, (source, fakes[cycle]))
            terms[f"adversarial_{cycle}"] = _summed(logits) * generator_loss(logits, self.config.loss.adversarial)
        return self.weigh(terms)

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        pairs, terms = self.pairs(batch), {}
        source, _ = pairs["encoded"]
        for cycle in self.discriminators():
            on_fake = self.discriminate(nets, cycle, (source, nets.kept[cycle]))
            on_real = self.discriminate(nets, cycle, pairs[cycle])
            real, fake = discriminator_loss(on_real, on_fake, self.config.loss.adversarial)
            terms |= {f"real_{cycle}": _summed(on_real) * real, f"fake_{cycle}": _summed(on_fake) * fake}
        return sum(terms.values()), terms

    def pairs(self, batch: Batch) -> dict[str, Pair]:
        """Cycle -> sources and images [B / 2, H, W, C], which are real where the cycle's own are judged.

        Of two neighbours in the batch the first is `encoded`. (The authors take the batch's halves, which would leave
        each to half of the devices.)

        Raises:
            UserError: an odd number of images.
        """
        source, image = self.source(batch), batch["image"]
        if len(image) % 2:
            raise UserError(f"{len(image)} images at once: BicycleGAN needs an even batch_size, in every slice of it")
        source, image = (x.reshape(-1, 2, *x.shape[1:]) for x in (source, image))
        return {cycle: (source[:, i], image[:, i]) for i, cycle in enumerate(("encoded", "random"))}

    def source(self, batch: Batch) -> jax.Array:
        """What the generator translates, [B, H, W, C]: batch["source"], or its luminance as one channel."""
        source = batch["source"]
        return (source @ jnp.array(LUMINANCE))[..., None] if self.config.model.grey_source else source

    def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
        """Standard normal noise of latent codes."""
        return jax.random.normal(rng, shape)

    def synthesize(self, nets: Nets, source: jax.Array, code: jax.Array, rng: jax.Array) -> jax.Array:
        """The generator's images of sources [B, H, W, C] with latent codes [B, Z], with dropout drawn by `rng`."""
        return nets.generator(source, code, rngs={"dropout": rng} if self.config.model.generator.dropout else {})

    def discriminate(self, nets: Nets, cycle: str, pair: Pair) -> list[jax.Array]:
        """Logits [B, h, w, 1] of each scale on the images of a pair: with their sources if the model is conditional."""
        seen = jnp.concatenate(pair, axis=-1) if self.config.model.conditional_discriminator else pair[1]
        return [layers[-1] for layers in getattr(nets, self.discriminators()[cycle])(seen)]

    def encode(self, nets: Nets, image: jax.Array) -> jax.Array:
        """The latent codes [B, Z] of images [B, H, W, 3]: the means of their posteriors, as the authors test."""
        return nets.encoder(image)[0]

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        style: jax.Array | None = None,
        style_image: jax.Array | None = None,
        other_style: jax.Array | None = None,
        interpolation: jax.Array | float | None = None,
    ) -> jax.Array:
        """Translations of batch["source"], without dropout; with no control, each with a style drawn by `rng`.

        Args:
            style: [B, Z] or, one for all images, [Z]: latent codes.
            style_image: [B, H, W, 3] images in [-1, 1] whose codes to take, as `encode` gives them.
            other_style: [B, Z] or [Z]: codes at the other end of an `interpolation`.
            interpolation: from 0, the other style, to 1, the style; a number or [B]. Its way is the authors', along the
                sphere.

        Raises:
            UserError: controls that contradict each other, lack their partner, or have another shape.
        """
        count, size = batch["source"].shape[0], self.config.model.latent_size
        if style is not None and style_image is not None:
            raise UserError("style and style_image both say what style to take: give one of them")
        if (other_style is None) != (interpolation is None):
            raise UserError("other_style and interpolation go together: give both or neither")
        if style_image is not None:
            style = self.encode(nets, style_image)
        elif style is None:
            style = self.noise((count, size), rng)
        style = _codes("style", style, count, size)
        if other_style is not None:
            share = jnp.asarray(interpolation, jnp.float32)
            if share.shape not in ((), (count,)):
                raise UserError(f"interpolation of shape {share.shape}: expected a number or {(count,)}")
            style = interpolate_spherically(_codes("other_style", other_style, count, size), style, share)
        return nets.generator(self.source(batch), style)

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        generator, encoder, discriminator = model.generator, model.encoder, model.discriminator
        levels = generator.num_downs, generator.norm, generator.latent_levels, generator.upsampling
        names = patch_gan_pyramid_names(discriminator.num_scales, discriminator.num_layers)
        return {
            "generator": latent_unet_names(*levels),
            "encoder": encoder_names(encoder.architecture, encoder.num_levels, encoder.norm),
            **dict.fromkeys(self.discriminators().values(), names),
        }

    def unused_entries(self) -> dict[str, tuple[str, ...]]:
        """Of networks with instance norm, the running statistics that PyTorch kept for it before version 0.4."""
        model = self.config.model
        norms = {"generator": model.generator.norm, "encoder": model.encoder.norm}
        norms |= dict.fromkeys(self.discriminators().values(), model.discriminator.norm)
        return {name: (r"\.running_(mean|var)$",) for name, norm in norms.items() if norm == "instance"}


def interpolate_spherically(start: jax.Array, end: jax.Array, share: jax.Array) -> jax.Array:
    """Latent codes on the way from start (share 0) to end (share 1), by the angle between them.

    The authors morph so: in between, codes keep a length that the prior makes likely. Codes in one direction, or in
    opposite ones, have no such way and are interpolated linearly.

    Args:
        start, end: [B, Z]; share: a number or [B].
    """
    share = jnp.reshape(share, (-1, 1))
    directions = [code / (jnp.linalg.norm(code, axis=-1, keepdims=True) + 1e-10) for code in (start, end)]
    cosine = jnp.clip((directions[0] * directions[1]).sum(-1, keepdims=True), -1, 1)
    angle, sine = jnp.arccos(cosine), jnp.sqrt(1 - cosine**2)
    linear = sine < 1e-3  # nearer than float32 tells angles apart
    divisor = jnp.where(linear, 1, sine)
    weights = [jnp.where(linear, part, jnp.sin(part * angle) / divisor) for part in (1 - share, share)]
    return weights[0] * start + weights[1] * end


def _summed(logits: Sequence[jax.Array]) -> int:
    """How many losses the authors add up where ours are averaged: of all scales, or of a single scale's images."""
    return len(logits) if len(logits) > 1 else len(logits[0])


def _codes(name: str, codes: jax.Array, count: int, size: int) -> jax.Array:
    """Latent codes [B, Z] for all images."""
    if jnp.shape(codes) not in ((count, size), (size,)):
        raise UserError(f"{name} of shape {jnp.shape(codes)}: expected {(count, size)} or {(size,)}, [B, Z] or [Z]")
    return jnp.broadcast_to(codes, (count, size))

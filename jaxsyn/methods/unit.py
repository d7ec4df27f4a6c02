"""UNIT: unpaired translation through one latent space (Liu et al., NIPS 2017, arXiv 1703.00848)."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.precision import at_least_float32
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.two_domains import DOMAINS, TwoDomains, images_of, way_domains
from jaxsyn.networks.adain_decoder import AdainDecoder, adain_decoder_names
from jaxsyn.networks.content_encoder import ContentEncoder, content_encoder_names
from jaxsyn.networks.conv_block import CONV_BLOCK_NAMES, ResidualBlock

# What both domains share.
TIED = "tied"


class VariationalAutoEncoder(nn.Module):
    """The auto-encoder of a domain: a posterior of deviation 1 around what the encoder says.

    Attributes:
        width: channels after the first convolution.
        num_blocks: residual blocks, of the encoder and of the decoder.
    """

    width: int = 64
    num_downsamplings: int = 2
    num_blocks: int = 4
    out_channels: int = 3
    activation: str = "relu"
    padding: str = "reflect"
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        options = {
            "num_blocks": self.num_blocks,
            "activation": self.activation,
            "padding": self.padding,
            "remat": self.remat,
            "kernel_init": self.kernel_init,
            "dtype": self.dtype,
        }
        self.encoder = ContentEncoder(self.width, self.num_downsamplings, **options)
        self.decoder = AdainDecoder(self.num_downsamplings, norm="instance", out_channels=self.out_channels, **options)

    def encode(self, image: jax.Array) -> jax.Array:
        """Image [B, H, W, C] -> the mean of its latent, [B, h, w, F]."""
        mean = self.encoder(image)
        if self.is_initializing():  # parameters of both parts, whichever is called first
            self.decode(mean)
        return mean

    def decode(self, latent: jax.Array) -> jax.Array:
        """Latent -> image [B, H, W, out_channels] in [-1, 1], float32."""
        return self.decoder(latent)


class TiedBlocks(nn.Module):
    """Residual blocks that both domains share: the encoders' last, and as many of the decoders' first (section 3).

    [B, h, w, F] -> the same shape.
    """

    num_blocks: int
    activation: str = "relu"
    padding: str = "reflect"
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        options = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        block = nn.remat(ResidualBlock) if self.remat else ResidualBlock
        blocks = [block("instance", self.activation, self.padding, **options) for _ in range(2 * self.num_blocks)]
        self.encoder, self.decoder = blocks[: self.num_blocks], blocks[self.num_blocks :]

    def encode(self, x: jax.Array) -> jax.Array:
        for block in self.encoder:
            x = block(x)
        if self.is_initializing():  # parameters of both parts, whichever is called first
            self.decode(x)
        return x

    def decode(self, x: jax.Array) -> jax.Array:
        for block in self.decoder:
            x = block(x)
        return x


class Unit(TwoDomains):
    """UNIT (section 3) as the authors' later code has it, on MUNIT's networks.

    Both domains' encoders lead to one latent space: either decoder takes either's latents. In that code the losses
    alone see to it; the paper, whose networks and weights are others, ties the last layers of the encoders and the
    first of the decoders too, as `model.tied_blocks` does here with residual blocks. The KL divergence is the mean of
    the squared latent means: half of it is left out, and so is a constant. Evaluation decodes the mean.
    """

    def networks(self) -> dict[str, nn.Module]:
        """
        Raises:
            UserError: more tied blocks than there are, or an average of the others alone.
        """
        tied, shape, ema = self.config.model.tied_blocks, self.config.model.generator, self.config.ema
        if not tied:
            return super().networks()
        if not 0 < tied <= shape.num_blocks:
            raise UserError(f"model.tied_blocks = {tied}: it is 0 to model.generator.num_blocks = {shape.num_blocks}")
        if ema.decay and TIED not in ema.networks:
            raise UserError(
                f"model.tied_blocks = {tied} with ema.networks = {tuple(ema.networks)}: add {TIED!r} to them"
            )
        options = {"activation": shape.activation, "padding": shape.padding, "remat": self.config.remat}
        return super().networks() | {TIED: TiedBlocks(tied, **options, **self.layer_options)}

    def phases(self) -> tuple[Phase, ...]:
        discriminator, generator = super().phases()
        trained = (*generator.trains, TIED) if self.config.model.tied_blocks else generator.trains
        return discriminator, dataclasses.replace(generator, trains=trained)

    def generator(self) -> nn.Module:
        model = self.config.model
        shape = {**model.generator, "num_blocks": model.generator.num_blocks - model.tied_blocks}
        return VariationalAutoEncoder(**shape, remat=self.config.remat, **self.layer_options)

    def encode(self, nets: Nets, domain: str, images: jax.Array) -> jax.Array:
        own = super().encode(nets, domain, images)
        return nets.tied(own, method="encode") if self.config.model.tied_blocks else own

    def decode_joined(self, nets: Nets, domain: str, *codes: jax.Array) -> jax.Array:
        (latent,) = codes
        if self.config.model.tied_blocks:
            latent = nets.tied(latent, method="decode")
        return super().decode_joined(nets, domain, latent)

    def generator_names(self) -> Rules:
        num_downsamplings = self.config.model.generator.num_downsamplings
        return (
            *content_encoder_names("encoder", "enc", num_downsamplings),
            *adain_decoder_names("decoder", "dec", num_downsamplings),
            *CONV_BLOCK_NAMES,
        )

    def checkpoint_names(self) -> dict[str, Rules]:
        # The authors' code has no tied blocks, so these keep their own names.
        tied = {TIED: CONV_BLOCK_NAMES} if self.config.model.tied_blocks else {}
        return super().checkpoint_names() | tied

    def unused_entries(self) -> dict[str, tuple[str, ...]]:
        # Instance norm kept them in PyTorch 0.3.
        return {f"generator_{domain}": (r"\.norm\.running_(mean|var)$",) for domain in DOMAINS}

    def noise(self, mean: jax.Array, rng: jax.Array) -> jax.Array:
        """Noise of a latent, N(0, 1), like its mean."""
        return jax.random.normal(rng, mean.shape, mean.dtype)

    def latents(
        self, nets: Nets, batch: Batch, rng: jax.Array
    ) -> tuple[dict[str, jax.Array], dict[str, tuple[jax.Array]]]:
        """Domain -> latent means of its images, and domain -> latents drawn around them."""
        keys = dict(zip(DOMAINS, jax.random.split(rng), strict=True))
        means = {domain: self.encode(nets, domain, images) for domain, images in images_of(batch).items()}
        return means, {domain: (mean + self.noise(mean, keys[domain]),) for domain, mean in means.items()}

    def translations(self, nets: Nets, batch: Batch, rng: jax.Array) -> dict[str, jax.Array]:
        _, latents = self.latents(nets, batch, rng)
        return {domain: self.decode(nets, domain, latents[other])[0] for domain, other in DOMAINS.items()}

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        first, *again = jax.random.split(rng, 3)
        means, latents = self.latents(nets, batch, first)
        real, terms, fake = images_of(batch), {}, {}
        for domain, other in DOMAINS.items():
            # One draw serves the reconstruction and the translation.
            reconstructed, fake[domain] = self.decode(nets, domain, latents[domain], latents[other])
            terms[f"reconstruction_{domain}"] = mean_absolute(reconstructed, real[domain])
            terms[f"kl_{domain}"] = mean_square(means[domain])
        for (domain, other), key in zip(DOMAINS.items(), again, strict=True):
            mean = self.encode(nets, domain, fake[domain])
            (cycled,) = self.decode(nets, other, (mean + self.noise(mean, key),))
            terms[f"cycle_{other}"] = mean_absolute(cycled, real[other])
            terms[f"kl_cycle_{other}"] = mean_square(mean)
        return self.weigh(terms | self.translation_terms(nets, batch, fake))

    def generate(
        self, nets: Nets, batch: Batch, rng: jax.Array, *, way: str = "forward", noise: jax.Array | float = 0.0
    ) -> jax.Array:
        """Images [B, H, W, 3] of the batch's latents.

        Args:
            way: `forward` translates batch["source"], `backward` batch["image"]; `source` and `image` reconstruct the
                one or the other; `cycle` takes batch["source"] there and back.
            noise: deviation of the noise around the latents' means, scalar or [B]: 0 decodes the mean, as the authors
                test, 1 is what training sees. Differs from image to image and from seed to seed.

        Raises:
            UserError: no such way.
        """
        origin, domain = way_domains(way)
        images = images_of(batch)[origin]
        deviation = jnp.broadcast_to(noise, (images.shape[0],))[:, None, None, None]

        def decoded(mean: jax.Array, target: str, key: jax.Array) -> jax.Array:
            latent = mean + deviation.astype(mean.dtype) * self.noise(mean, key)
            return self.decode(nets, target, (latent,))[0]

        there, back = jax.random.split(rng)
        made = decoded(self.encode(nets, origin, images), domain, there)
        return decoded(self.encode(nets, domain, made), origin, back) if way == "cycle" else made


def mean_square(x: jax.Array) -> jax.Array:
    """Mean of the squares of all elements, in float32 or wider."""
    return jnp.square(at_least_float32(x)).mean()

"""MUNIT: multimodal unpaired translation by content and style codes (Huang et al., ECCV 2018, arXiv 1804.04732)."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.losses.reconstruction import mean_absolute
from jaxsyn.methods.base import Batch, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.style_choice import choose_style
from jaxsyn.methods.two_domains import DOMAINS, TwoDomains, images_of, way_domains
from jaxsyn.networks.adain_decoder import AdainDecoder, StyleMLP, adain_decoder_names, adain_size, style_mlp_names
from jaxsyn.networks.content_encoder import ContentEncoder, content_encoder_names
from jaxsyn.networks.conv_block import CONV_BLOCK_NAMES
from jaxsyn.networks.style_encoder import StyleEncoder, style_encoder_names


class Codes(NamedTuple):
    """What an image is taken apart into.

    Attributes:
        content: [B, h, w, C], of a space that the domains share.
        style: [B, style_dim], of the domain's own space.
    """

    content: jax.Array
    style: jax.Array


class AutoEncoder(nn.Module):
    """The auto-encoder of a domain (figure 3): content encoder, style encoder, decoder with adaptive instance norm.

    Attributes:
        width: channels after the first convolution of either encoder.
        style_dim: numbers of a style code.
        mlp_width: of the network between style code and decoder.
        num_blocks: residual blocks, of the content encoder and of the decoder.
    """

    width: int = 64
    style_dim: int = 8
    mlp_width: int = 256
    num_downsamplings: int = 2
    num_blocks: int = 4
    out_channels: int = 3
    activation: str = "relu"
    padding: str = "reflect"
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        common = {"activation": self.activation, "kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"padding": self.padding, **common}
        depth = {"num_blocks": self.num_blocks, "remat": self.remat}
        self.content_encoder = ContentEncoder(self.width, self.num_downsamplings, **depth, **options)
        self.style_encoder = StyleEncoder(self.style_dim, self.width, **options)
        self.decoder = AdainDecoder(self.num_downsamplings, out_channels=self.out_channels, **depth, **options)
        size = adain_size(self.width * 2**self.num_downsamplings, self.num_blocks)
        self.mlp = StyleMLP(size, self.mlp_width, **common)

    def encode(self, image: jax.Array) -> Codes:
        """Image [B, H, W, C] -> its codes."""
        codes = Codes(self.content_encoder(image), self.style_encoder(image))
        if self.is_initializing():  # parameters of all parts, whichever is called first
            self.decode(*codes)
        return codes

    def decode(self, content: jax.Array, style: jax.Array) -> jax.Array:
        """Codes -> image [B, H, W, out_channels] in [-1, 1], float32."""
        return self.decoder(content, self.mlp(style))

    def encode_style(self, image: jax.Array) -> jax.Array:
        """Image [B, H, W, C] -> style code [B, style_dim]."""
        return self.style_encoder(image)


class Munit(TwoDomains):
    """MUNIT (section 3), in the order and with the weights of the authors' code.

    Images, and both codes after a translation with a drawn style, are reconstructed; translations are judged by least
    squares. With `loss.weights.cycle` an image is also reconstructed from its translation's content and its own style
    (the style-augmented cycle), and with `loss.weights.perceptual` a translation keeps the content source's features.
    """

    def generator(self) -> nn.Module:
        return AutoEncoder(**self.config.model.generator, remat=self.config.remat, **self.layer_options)

    def generator_names(self) -> Rules:
        num_downsamplings = self.config.model.generator.num_downsamplings
        return (
            *content_encoder_names("content_encoder", "enc_content", num_downsamplings),
            *style_encoder_names("style_encoder", "enc_style"),
            *adain_decoder_names("decoder", "dec", num_downsamplings),
            *style_mlp_names("mlp", "mlp"),
            *CONV_BLOCK_NAMES,
        )

    def unused_entries(self) -> dict[str, tuple[str, ...]]:
        # Instance norm kept them in PyTorch 0.3.
        return {f"generator_{domain}": (r"^enc_content\..*\.norm\.running_(mean|var)$",) for domain in DOMAINS}

    def draw_styles(self, batch: Batch, rng: jax.Array) -> dict[str, jax.Array]:
        """Style codes [B, style_dim] of either domain from the prior, N(0, 1), for the other one's images."""
        shape = batch["source"].shape[0], self.config.model.generator.style_dim
        keys = jax.random.split(rng)
        return {domain: jax.random.normal(key, shape) for domain, key in zip(DOMAINS, keys, strict=True)}

    def translations(self, nets: Nets, batch: Batch, rng: jax.Array) -> dict[str, jax.Array]:
        drawn, real = self.draw_styles(batch, rng), images_of(batch)
        content = {domain: self.encode(nets, domain, real[domain]).content for domain in DOMAINS}
        return {d: self.decode(nets, d, Codes(content[other], drawn[d]))[0] for d, other in DOMAINS.items()}

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        drawn, real, terms, fake = self.draw_styles(batch, rng), images_of(batch), {}, {}
        codes = {domain: self.encode(nets, domain, real[domain]) for domain in DOMAINS}
        for domain, other in DOMAINS.items():
            translated = Codes(codes[other].content, drawn[domain])
            reconstructed, fake[domain] = self.decode(nets, domain, codes[domain], translated)
            terms[f"reconstruction_{domain}"] = mean_absolute(reconstructed, real[domain])
        for domain, other in DOMAINS.items():
            again = self.encode(nets, domain, fake[domain])
            terms[f"style_{domain}"] = mean_absolute(again.style, drawn[domain])
            terms[f"content_{other}"] = mean_absolute(again.content, codes[other].content)
            if self.config.loss.weights.cycle:
                (cycled,) = self.decode(nets, other, Codes(again.content, codes[other].style))
                terms[f"cycle_{other}"] = mean_absolute(cycled, real[other])
        return self.weigh(terms | self.translation_terms(nets, batch, fake))

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
            style: [B, style_dim], or [1, style_dim] for all, codes of the domain of the result (`cycle`: of the
                translation between). Without any, they are drawn, but in their own domain images keep their own: they
                are reconstructed.
            style_image: [B, h, w, 3] or [1, h, w, 3] exemplars of that domain, whose style to take. The other images
                of a batch, given here, swap their style into its content.
            toward, toward_image: a second style, likewise; the one that is used is (1 - mix) style + mix toward.
            mix: scalar or [B].

        Raises:
            UserError: no such way, a style that is given twice or has another shape, or a second without a first.
        """
        origin, domain = way_domains(way)
        images = images_of(batch)[origin]
        content, own = self.encode(nets, origin, images)
        generator = getattr(nets, f"generator_{domain}")
        used = choose_style(
            lambda _, exemplar: generator(exemplar, method="encode_style"),
            (images.shape[0], self.config.model.generator.style_dim),
            style=style,
            style_image=style_image,
            toward=toward,
            toward_image=toward_image,
            mix=mix,
        )
        if used is None:
            used = own if origin == domain else jax.random.normal(rng, own.shape)
        (made,) = self.decode(nets, domain, Codes(content, used))
        if way == "cycle":
            (made,) = self.decode(nets, origin, Codes(self.encode(nets, domain, made).content, own))
        return made

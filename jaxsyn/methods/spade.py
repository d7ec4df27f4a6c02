"""SPADE / GauGAN: the label map in every normalisation layer (Park et al., CVPR 2019, arXiv 1903.07291)."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import SPADE, Conv, Dense, InstanceNorm, LabelConv, LabelMap, resize_bilinear, with_neighbourhoods
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.losses.variational import kl_divergence, reparameterize
from jaxsyn.methods.base import Batch, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import SemanticSynthesis
from jaxsyn.networks.resnet_generator import ResnetGenerator, sequential_names
from jaxsyn.networks.spade_decoder import Layout, SpadeBlock, decode, first_size, to_image

ENCODER_SIZE, STYLE_CHANNELS = 256, 256


class Generator(nn.Module):
    """SPADE's generator (figure 4, right), without an encoder-decoder: it starts from the tiny label map, or a style.

    Attributes:
        start: height and width of the first feature map.
        width: channels of the block before the image (`ngf`); 16 times that at the start.
        upsampling: `normal`, `more` or `most`: 5, 6 or 7 doublings.
        norm, kernel_size, hidden: of the SPADE layers.
        spectral: spectral normalisation of the blocks' own convolutions.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
        modulation: how the SPADE layers convolve the label map, of `with_neighbourhoods`; results are the same.
    """

    start: tuple[int, int]
    width: int = 64
    upsampling: str = "normal"
    norm: str = "syncbatch"
    kernel_size: int = 3
    hidden: int = 128
    spectral: bool = True
    remat: bool = False
    modulation: str = "auto"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, style: jax.Array | None = None) -> jax.Array:
        """Label map [B, H, W] and style [B, D] or None -> image [B, H, W, 3] in [-1, 1], float32."""
        block_type = nn.remat(SpadeBlock) if self.remat else SpadeBlock
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        norm = partial(SPADE, self.norm, self.kernel_size, self.hidden, **common)

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            # Found here, outside of what rematerialisation repeats, and once for all norms of a block.
            seen = with_neighbourhoods(label.resize(*x.shape[1:3]), self.modulation, self.hidden)
            return block_type(int(multiple * self.width), norm, self.spectral, name=name, **common)(x, seen)

        x = first_features(label, style, self.start, 16 * self.width, **common)
        return to_image(decode(x, block, self.upsampling), **common)


def first_features(
    label: LabelMap, style: jax.Array | None, start: tuple[int, int], channels: int, **common: Any
) -> jax.Array:
    """The first feature map [B, *start, channels], from the style where there is one, else from the tiny label map.

    Called in the generator's compact method: its parameters are named `fc` there.
    """
    if style is None:
        return LabelConv(channels, name="fc", **common)(label.resize(*start))
    x = Dense(channels * start[0] * start[1], name="fc", **common)(style)
    # The released weights order the features channel by channel.
    return x.reshape(-1, channels, *start).transpose(0, 2, 3, 1)


class StyleEncoder(nn.Module):
    """The image encoder of the variational form (appendix A): [B, H, W, 3] -> mean, log variance [B, 256].

    Any image is resized to 256x256 first, so the six convolutions always end at 4x4.
    """

    width: int = 64
    spectral: bool = True
    normalized: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> tuple[jax.Array, jax.Array]:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"stride": 2, "spectral": self.spectral, "use_bias": not self.normalized, **common}
        x = resize_bilinear(image, ENCODER_SIZE, ENCODER_SIZE)
        for i, multiple in enumerate((1, 2, 4, 8, 8, 8), start=1):
            x = Conv(multiple * self.width, name=f"layer{i}", **options)(x)
            x = InstanceNorm(dtype=self.dtype)(x) if self.normalized else x
            x = nn.leaky_relu(x, 0.2)
        x = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
        mean, log_variance = (Dense(STYLE_CHANNELS, name=name, **common)(x) for name in ("fc_mu", "fc_var"))
        return mean.astype(jnp.float32), log_variance.astype(jnp.float32)


class Spade(SemanticSynthesis):
    """SPADE (section 3), with or without the style encoder; or the paper's baseline with pix2pixHD's generator."""

    def networks(self) -> dict[str, nn.Module]:
        model = self.config.model
        networks = {"generator": self.generator(), "discriminator": self.discriminator()}
        if model.use_vae:
            networks["encoder"] = StyleEncoder(width=model.generator.width, **model.encoder, **self.layer_options)
        return networks

    def generator(self) -> nn.Module:
        """The generator of `config.model.architecture`."""
        model, data = self.config.model, self.config.data
        if model.architecture == "pix2pixhd":
            return ResnetGenerator(**model.resnet, **self.layer_options)
        if model.architecture != "spade":
            raise UserError(f"model.architecture = {model.architecture!r} is not known; choose spade or pix2pixhd")
        start = first_size(data.height, data.width, model.generator.upsampling)
        options = {"remat": self.config.remat, "modulation": self.config.modulation, **self.layer_options}
        return Generator(start, **model.generator, **options)

    def encode(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array | None, Terms]:
        """A style code [B, 256] drawn from the image's posterior; None in the form without an encoder."""
        if not self.config.model.use_vae:
            return None, {}
        mean, log_variance = nets.encoder(batch["image"])
        style = reparameterize(mean, log_variance, self.noise(mean.shape, rng))
        return style, {"kl": kl_divergence(mean, log_variance)}

    def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
        """Standard normal noise of the style code."""
        return jax.random.normal(rng, shape)

    def layout(self, batch: Batch) -> Layout:
        """What the generator's norms read."""
        return self.label_map(batch)

    def synthesize(self, nets: Nets, batch: Batch, style: jax.Array | None, rng: jax.Array) -> jax.Array:
        layout = self.layout(batch)
        return nets.generator(layout) if style is None else nets.generator(layout, style)

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        style: jax.Array | None = None,
        style_image: jax.Array | None = None,
    ) -> jax.Array:
        """Images of the batch's label maps.

        Args:
            style: [B, 256] style codes, for the form with an encoder.
            style_image: [B, h, w, 3] images in [-1, 1] whose style to take, as a draw from their posterior.
                With neither, styles are drawn from the prior.

        Raises:
            UserError: a style for a model without an encoder, or two of them.
        """
        if style is not None and style_image is not None:
            raise UserError("style and style_image both say what style to take: give one of them")
        if not self.config.model.use_vae:
            if style is not None or style_image is not None:
                raise UserError("this model has no style encoder: train it with --config.model.use_vae=True")
        elif style_image is not None:
            style, _ = self.encode(nets, {**batch, "image": style_image}, rng)
        elif style is None:
            style = jax.random.normal(rng, (batch["label"].shape[0], STYLE_CHANNELS))
        return self.synthesize(nets, batch, style, rng)

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        if model.architecture == "spade":
            generator = ((r"mlp_shared\.", "mlp_shared.0."),)
        else:
            generator = sequential_names(model.resnet.num_downsamplings, model.resnet.num_blocks)
        return {
            "generator": generator,
            "discriminator": self.discriminator_names(),
            "encoder": self.encoder_names(),
        }

    def encoder_names(self) -> Rules:
        """Renamings of the style encoder's parameters to those of SPADE's PyTorch module."""
        return ((r"^(layer\d)\.", r"\1.0."),) if self.config.model.encoder.normalized else ()

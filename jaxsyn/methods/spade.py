"""SPADE / GauGAN: the label map in every normalisation layer (Park et al., CVPR 2019, arXiv 1903.07291)."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.layers import (
    SPADE,
    Conv,
    Dense,
    InstanceNorm,
    LabelConv,
    LabelMap,
    initializer,
    instance_edges,
    resize_bilinear,
    upsample_nearest,
)
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.reconstruction import feature_matching, perceptual
from jaxsyn.losses.variational import kl_divergence, reparameterize
from jaxsyn.methods.base import Batch, Frozen, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.networks.patch_discriminator import MultiscaleDiscriminator
from jaxsyn.networks.resnet_generator import ResnetGenerator, sequential_names
from jaxsyn.networks.vgg import TORCH_RULES, VGG19

# Name of the generator's depth -> how often it doubles the size of its first feature map.
UPSAMPLINGS = {"normal": 5, "more": 6, "most": 7}
ENCODER_SIZE, STYLE_CHANNELS = 256, 256


class SpadeBlock(nn.Module):
    """Residual block with SPADE before each convolution (figure 4, left): [B, H, W, C] -> [B, H, W, features].

    The shortcut, where the width changes, is normalised but not activated.
    """

    features: int
    norm: str = "syncbatch"
    kernel_size: int = 3
    hidden: int = 128
    spectral: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, label: LabelMap) -> jax.Array:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        middle = min(x.shape[-1], self.features)
        label = label.resize(x.shape[1], x.shape[2])

        def spade(y: jax.Array, name: str) -> jax.Array:
            return SPADE(self.norm, self.kernel_size, self.hidden, name=name, **common)(y, label)

        def conv(y: jax.Array, features: int, name: str, **options: Any) -> jax.Array:
            return Conv(features, spectral=self.spectral, name=name, **common, **options)(y)

        y = conv(nn.leaky_relu(spade(x, "norm_0"), 0.2), middle, "conv_0")
        y = conv(nn.leaky_relu(spade(y, "norm_1"), 0.2), self.features, "conv_1")
        if x.shape[-1] != self.features:
            x = conv(spade(x, "norm_s"), self.features, "conv_s", kernel_size=1, use_bias=False)
        return x + y


class Generator(nn.Module):
    """SPADE's generator (figure 4, right), without an encoder-decoder: it starts from the tiny label map, or a style.

    Attributes:
        start: height and width of the first feature map.
        width: channels of the block before the image (`ngf`); 16 times that at the start.
        upsampling: `normal`, `more` or `most`: 5, 6 or 7 doublings.
        norm, kernel_size, hidden: of the SPADE layers.
        spectral: spectral normalisation of the blocks' own convolutions.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    start: tuple[int, int]
    width: int = 64
    upsampling: str = "normal"
    norm: str = "syncbatch"
    kernel_size: int = 3
    hidden: int = 128
    spectral: bool = True
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, style: jax.Array | None = None) -> jax.Array:
        """Label map [B, H, W] and style [B, D] or None -> image [B, H, W, 3] in [-1, 1], float32."""
        block_type = nn.remat(SpadeBlock) if self.remat else SpadeBlock
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            options = (self.norm, self.kernel_size, self.hidden, self.spectral)
            return block_type(int(multiple * self.width), *options, name=name, **common)(x, label)

        x = self._first_features(label, style)
        x = upsample_nearest(block(x, 16, "head_0"))
        x = block(x, 16, "G_middle_0")
        x = x if self.upsampling == "normal" else upsample_nearest(x)
        x = upsample_nearest(block(x, 16, "G_middle_1"))
        x = upsample_nearest(block(x, 8, "up_0"))
        x = upsample_nearest(block(x, 4, "up_1"))
        x = upsample_nearest(block(x, 2, "up_2"))
        x = block(x, 1, "up_3")
        x = block(upsample_nearest(x), 0.5, "up_4") if self.upsampling == "most" else x
        image = Conv(3, name="conv_img", **common)(nn.leaky_relu(x, 0.2))
        return jnp.tanh(image.astype(jnp.float32))

    def _first_features(self, label: LabelMap, style: jax.Array | None) -> jax.Array:
        height, width = self.start
        channels = 16 * self.width
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype, "name": "fc"}
        if style is None:
            return LabelConv(channels, **common)(label.resize(height, width))
        x = Dense(channels * height * width, **common)(style)
        # The released weights order the features channel by channel.
        return x.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)


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


class Style(NamedTuple):
    """A style code and the posterior that it was drawn from."""

    sample: jax.Array
    mean: jax.Array
    log_variance: jax.Array


class Spade(Method):
    """SPADE: generator (and encoder), then discriminator, each on a generated image of its own (section 3)."""

    def networks(self) -> dict[str, nn.Module]:
        model = self.config.model
        common = {
            "kernel_init": initializer(model.init, model.init_gain),
            "dtype": jnp.dtype(self.config.compute_dtype),
        }
        networks = {
            "generator": self._generator(common),
            "discriminator": MultiscaleDiscriminator(**model.discriminator, **common),
        }
        if model.use_vae:
            networks["encoder"] = StyleEncoder(width=model.generator.width, **model.encoder, **common)
        return networks

    def _generator(self, common: dict[str, Any]) -> nn.Module:
        model, data = self.config.model, self.config.data
        if model.architecture == "pix2pixhd":
            return ResnetGenerator(**model.resnet, **common)
        if model.architecture != "spade":
            raise UserError(f"model.architecture = {model.architecture!r} is not known; choose spade or pix2pixhd")
        if model.generator.upsampling not in UPSAMPLINGS:
            raise UserError(
                f"model.generator.upsampling = {model.generator.upsampling!r}; choose {', '.join(UPSAMPLINGS)}"
            )
        scale = 2 ** UPSAMPLINGS[model.generator.upsampling]
        if data.height % scale or data.width % scale:
            raise UserError(
                f"data.height x data.width = {data.height}x{data.width} must be multiples of {scale}, by which "
                f"model.generator.upsampling = {model.generator.upsampling!r} enlarges its first feature map"
            )
        start = (data.height // scale, data.width // scale)
        return Generator(start, **model.generator, remat=self.config.remat, **common)

    def frozen(self) -> dict[str, Frozen]:
        loss = self.config.loss
        if not loss.weights.perceptual:
            return {}
        remedy = (
            "loss.vgg_weights is not set: the perceptual loss needs torchvision's VGG-19 weights "
            "(vgg19-dcbb9e9d.pth, or the same as .safetensors or .npz). Set it to the file's path, or train "
            "without by --config.loss.weights.perceptual=0, which costs texture and sharpness"
        )
        return {"vgg": Frozen(VGG19(dtype=self.dtype), loss.vgg_weights, remedy, TORCH_RULES, (1, 32, 32, 3))}

    def phases(self) -> tuple[Phase, ...]:
        trained = ("generator", "encoder") if self.config.model.use_vae else ("generator",)
        every = self.config.optimizer.discriminator_steps
        return (
            Phase("generator", trains=trained, loss=self.generator_loss, every=every),
            Phase("discriminator", trains=("discriminator",), loss=self.discriminator_loss),
        )

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        label = self.label_map(batch)
        style = self.encode(nets, batch["image"], rng)
        fake = self.synthesize(nets, label, style)
        on_fake, on_real = self.discriminate(nets, label, fake, batch["image"])
        loss = self.config.loss
        terms = {"adversarial": generator_loss([features[-1] for features in on_fake], loss.adversarial)}
        if loss.weights.feature_matching:
            terms["feature_matching"] = feature_matching(on_fake, on_real)
        if loss.weights.perceptual:
            terms["perceptual"] = perceptual(nets.vgg, fake, batch["image"])
        if style is not None:
            terms["kl"] = kl_divergence(style.mean, style.log_variance)
        return self.weigh(terms)

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        label = self.label_map(batch)
        style = self.encode(nets, batch["image"], rng)
        fake = lax.stop_gradient(self.synthesize(nets, label, style))
        on_fake, on_real = ([f[-1] for f in side] for side in self.discriminate(nets, label, fake, batch["image"]))
        real, fake = discriminator_loss(on_real, on_fake, self.config.loss.adversarial)
        return real + fake, {"real": real, "fake": fake}

    def label_map(self, batch: Batch) -> LabelMap:
        """The label map, with instance edges where the config asks for them."""
        edges = instance_edges(batch["instance"]) if self.config.data.use_instance else None
        return LabelMap(batch["label"], edges, self.num_classes)

    def encode(self, nets: Nets, image: jax.Array, rng: jax.Array) -> Style | None:
        """A style drawn from an image's posterior; None in the form without an encoder."""
        if not self.config.model.use_vae:
            return None
        mean, log_variance = nets.encoder(image)
        return Style(reparameterize(mean, log_variance, self.noise(mean.shape, rng)), mean, log_variance)

    def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
        """Standard normal noise of the style code."""
        return jax.random.normal(rng, shape)

    def synthesize(self, nets: Nets, label: LabelMap, style: Style | None) -> jax.Array:
        """The generator's image of a label map."""
        return nets.generator(label) if style is None else nets.generator(label, style.sample)

    def discriminate(
        self, nets: Nets, label: LabelMap, fake: jax.Array, real: jax.Array
    ) -> tuple[list[list[jax.Array]], list[list[jax.Array]]]:
        """The discriminators' features of generated and of real images, from one pass with one set of weights."""
        return tuple(nets.discriminator(label, (fake, real)))

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
        label = self.label_map(batch)
        if style is not None and style_image is not None:
            raise UserError("style and style_image both say what style to take: give one of them")
        if not self.config.model.use_vae:
            if style is not None or style_image is not None:
                raise UserError("this model has no style encoder: train it with --config.model.use_vae=True")
            return nets.generator(label)
        if style_image is not None:
            style = self.encode(nets, style_image, rng).sample
        elif style is None:
            style = jax.random.normal(rng, (label.ids.shape[0], STYLE_CHANNELS))
        return nets.generator(label, style)

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        # A sequence of convolution and norm takes one more level of names; so does each group of layers.
        inner = ".0" if model.discriminator.norm != "none" else ""
        last = model.discriminator.num_layers
        discriminator = (
            (rf"\.conv_(0|{last})\.", r".model\1.0."),
            (r"\.conv_(\d+)\.", rf".model\1.0{inner}."),
            (r"\.norm_(\d+)\.", r".model\1.0.1."),
        )
        encoder = ((r"^(layer\d)\.", r"\1.0."),) if model.encoder.normalized else ()
        names = {"discriminator": discriminator, "encoder": encoder}
        if model.architecture == "spade":
            return {"generator": ((r"mlp_shared\.", "mlp_shared.0."),), **names}
        return {"generator": sequential_names(model.resnet.num_downsamplings, model.resnet.num_blocks), **names}

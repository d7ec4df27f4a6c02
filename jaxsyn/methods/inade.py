"""INADE: modulation drawn for each instance, shared by all layers (Tan et al., CVPR 2021, arXiv 2103.06878).

Frame and discriminator are SPADE's. Every class owns a distribution of modulation parameters and every instance one
draw of noise, which an encoder of the real image remaps in training (sections 3.2 to 3.4). The authors' released code
is followed where it goes beyond the text: feature matching and perceptual loss take only the deepest features, and a
separate noise vector starts the generator. Instances are numbered 0 to `data.max_instances` - 1; where the authors
make as many as the batch has, here the number is fixed, and rows of absent instances are not used.
"""

from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import (
    INADE,
    InstanceConv,
    InstanceLayout,
    InstanceNorm,
    LabelMap,
    add_bias,
    instance_convolve,
    instance_edges,
    instance_means,
    resize_bilinear,
)
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.losses.variational import kl_divergence, reparameterize
from jaxsyn.methods.base import Batch, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import Judgement, SemanticSynthesis
from jaxsyn.methods.spade import first_features
from jaxsyn.networks.spade_decoder import SpadeBlock, decode, first_size, to_image


class Posterior(NamedTuple):
    """How the noise of each instance is remapped: mean and log variance, each [B, I, 2, Z], scales then shifts."""

    mean: jax.Array
    log_variance: jax.Array


class Generator(nn.Module):
    """SPADE's generator with INADE layers, from a noise vector.

    Attributes:
        start: height and width of the first feature map.
        width: channels of the block before the image (`ngf`); 16 times that at the start.
        upsampling: `normal`, `more` or `most`: 5, 6 or 7 doublings.
        norm: of the INADE layers.
        spectral: spectral normalisation of the blocks' own convolutions.
        sketch: whether a sketch of the image is an input too.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    start: tuple[int, int]
    width: int = 64
    upsampling: str = "normal"
    norm: str = "syncbatch"
    spectral: bool = True
    sketch: bool = False
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, layout: InstanceLayout, latent: jax.Array) -> jax.Array:
        """Layout [B, H, W] and noise vectors [B, D] -> image [B, H, W, 3] in [-1, 1], float32."""
        block_type = nn.remat(SpadeBlock) if self.remat else SpadeBlock
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        norm = partial(INADE, self.norm, self.sketch, **common)

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            return block_type(int(multiple * self.width), norm, self.spectral, name=name, **common)(x, layout)

        x = first_features(layout.label, latent, self.start, 16 * self.width, **common)
        return to_image(decode(x, block, self.upsampling), **common)


class InstanceEncoder(nn.Module):
    """The instance-adaptive encoder (section 3.4): [B, H, W, 3] and instance map [B, H, W] -> `Posterior`, float32.

    A U-Net of instance-aware convolutions; its features are averaged over each instance, so absent ones have mean 0 and
    variance 1. Height and width are multiples of 16.

    Attributes:
        instances: I, how many instance numbers there are.
        channels: Z, of the noise of an instance.
    """

    instances: int
    channels: int = 64
    width: int = 64
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, instance: jax.Array) -> Posterior:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def layer(x: jax.Array, multiple: int, name: str, stride: int = 1) -> jax.Array:
            x = InstanceConv(multiple * self.width, stride=stride, name=name, **common)(x, instance)
            return nn.leaky_relu(InstanceNorm(dtype=self.dtype)(x), 0.2)

        def enlarge(x: jax.Array) -> jax.Array:
            return resize_bilinear(x, 2 * x.shape[1], 2 * x.shape[2])

        x1 = layer(image, 1, "layer1", 2)
        x2 = layer(x1, 2, "layer2", 2)
        x3 = layer(x2, 4, "layer3", 2)
        y = enlarge(layer(layer(x3, 8, "layer4", 2), 4, "middle"))
        y = enlarge(layer(jnp.concatenate([y, x3], -1), 2, "up1"))
        y = enlarge(layer(jnp.concatenate([y, x2], -1), 1, "up2"))
        y = enlarge(layer(jnp.concatenate([y, x1], -1), 1, "up3"))

        # One convolution for all four: the features are read once.
        names = ("scale_conv_mu", "bias_conv_mu", "scale_conv_var", "bias_conv_var")
        heads = [InstanceConv(self.channels, name=name, **common).weights(y.shape[-1]) for name in names]
        kernels, biases = zip(*heads, strict=True)
        y = add_bias(instance_convolve(y, instance, jnp.concatenate(kernels, -1)), jnp.concatenate(biases))
        means = instance_means(y, instance, self.instances)
        means = means.reshape(*means.shape[:2], 4, self.channels)
        return Posterior(means[:, :, :2], means[:, :, 2:])


class Inade(SemanticSynthesis):
    """INADE (section 3), with the instance-adaptive encoder or trained on plain noise."""

    def networks(self) -> dict[str, nn.Module]:
        model, data = self.config.model, self.config.data
        start = first_size(data.height, data.width, model.generator.upsampling)
        generator = Generator(start, **model.generator, remat=self.config.remat, **self.layer_options)
        networks = {"generator": generator, "discriminator": self.discriminator()}
        if model.use_vae:
            networks["encoder"] = self.encoder()
        return networks

    def encoder(self) -> nn.Module:
        """The instance-adaptive encoder.

        Raises:
            UserError: the image's sides are not multiples of 16.
        """
        model, data = self.config.model, self.config.data
        if data.height % 16 or data.width % 16:
            raise UserError(
                f"data.height x data.width = {data.height}x{data.width} must be multiples of 16, by which INADE's "
                "encoder divides them; train without it by --config.model.use_vae=False"
            )
        return InstanceEncoder(self.max_instances, model.noise_channels, model.generator.width, **self.layer_options)

    def label_map(self, batch: Batch) -> LabelMap:
        """The label map with instance edges, which the discriminator sees always."""
        return LabelMap(batch["label"], instance_edges(batch["instance"]), self.num_classes)

    def draw_noise(self, batch_size: int, rng: jax.Array, seeds: jax.Array | None = None) -> jax.Array:
        """Noise [B, I, 2, Z] of the instances, standard normal.

        Args:
            seeds: int [B, I]; an instance's noise depends on its number, its seed and `rng` alone. Zeros by default.
        """
        shape = (batch_size, self.max_instances)
        seeds = jnp.zeros(shape, jnp.int32) if seeds is None else seeds
        keys = jax.random.split(rng, shape)
        draw = partial(jax.random.normal, shape=(2, self.config.model.noise_channels))
        return jax.vmap(jax.vmap(lambda key, seed: draw(jax.random.fold_in(key, seed))))(keys, seeds)

    def draw_latent(self, batch_size: int, rng: jax.Array) -> jax.Array:
        """Noise vectors [B, D] of the first feature map, standard normal."""
        return jax.random.normal(rng, (batch_size, self.config.model.latent_channels))

    def encode(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        """Noise [B, I, 2, Z], remapped by the posterior of the batch's images where there is an encoder (equation 6).

        The divergence is half the sum over scales and shifts of SPADE's, itself a sum over batch and instances.
        """
        noise = self.draw_noise(batch["label"].shape[0], rng)
        if not self.config.model.use_vae:
            return noise, {}
        posterior = nets.encoder(batch["image"], batch["instance"])
        return reparameterize(*posterior, noise), {"kl": kl_divergence(*posterior) / 2}

    def synthesize(self, nets: Nets, batch: Batch, style: jax.Array, rng: jax.Array) -> jax.Array:
        return nets.generator(self.layout(batch, style), self.draw_latent(batch["label"].shape[0], rng))

    def layout(self, batch: Batch, noise: jax.Array) -> InstanceLayout:
        """What the generator's norms read.

        Raises:
            UserError: the model takes a sketch and the batch has none.
        """
        label, sketch = LabelMap(batch["label"], None, self.num_classes), None
        if self.config.model.generator.sketch:
            if "sketch" not in batch:
                raise UserError("no sketch [B, H, W, 1] in the batch, an input of this model: set data.use_sketch=True")
            sketch = batch["sketch"]
        return InstanceLayout(label, batch["instance"], noise, sketch)

    def discriminate(self, nets: Nets, batch: Batch, fake: jax.Array) -> tuple[Judgement, Judgement]:
        """As SPADE's, with features matched from `loss.first_matched_feature` of each discriminator on."""
        first = self.config.loss.first_matched_feature
        on_fake, on_real = super().discriminate(nets, batch, fake)
        return tuple(Judgement(logits, [f[first:] for f in features]) for logits, features in (on_fake, on_real))

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        noise: jax.Array | None = None,
        instance_seeds: jax.Array | None = None,
        latent: jax.Array | None = None,
        style_image: jax.Array | None = None,
        style_instance: jax.Array | None = None,
        style_from: jax.Array | None = None,
    ) -> jax.Array:
        """Images of the batch's label maps; what is not given is drawn from N(0, 1) by `rng`.

        To see one instance anew and the rest as it was, keep `rng` and change its entry of `instance_seeds`; for a
        class, those of all its instances.

        Args:
            noise: [B, I, 2, Z], as `draw_noise` makes it; or
            instance_seeds: int [B, I], which draw of its noise each instance takes; 0 by default.
            latent: [B, D] noise vectors of the first feature map.
            style_image: [B, H, W, 3] images in [-1, 1] whose instances' styles to take, with
            style_instance: [B, H, W], their instance numbers; by default those of the batch.
            style_from: int [B, I], the number in the style image whose style each instance takes; -1: none, its noise
                stays as it is. By default each takes that of its own number.

        Raises:
            UserError: controls that contradict each other, lack their partner, or have another shape.
        """
        batch_size, model = batch["label"].shape[0], self.config.model
        instances = (batch_size, self.max_instances)
        if noise is not None and instance_seeds is not None:
            raise UserError("noise and instance_seeds both say what the noise is: give one of them")
        if style_image is None and (style_instance is not None or style_from is not None):
            raise UserError("style_instance and style_from need the style_image that they are about")
        if style_image is not None and not model.use_vae:
            raise UserError("this model has no encoder of styles: train it with --config.model.use_vae=True")
        _check_shape("noise", noise, (*instances, 2, model.noise_channels))
        _check_shape("instance_seeds", instance_seeds, instances)
        _check_shape("style_from", style_from, instances)
        _check_shape("latent", latent, (batch_size, model.latent_channels))

        for_noise, for_latent = jax.random.split(rng)
        noise = self.draw_noise(batch_size, for_noise, instance_seeds) if noise is None else noise
        latent = self.draw_latent(batch_size, for_latent) if latent is None else latent
        if style_image is not None:
            style_instance = batch["instance"] if style_instance is None else style_instance
            noise = reparameterize(*_taken(nets.encoder(style_image, style_instance), style_from), noise)
        return nets.generator(self.layout(batch, noise), latent)

    @property
    def has_class_latents(self) -> bool:
        return True

    def resample_class(
        self, nets: Nets, batch: Batch, rng: jax.Array, class_id: jax.Array, class_rng: jax.Array
    ) -> jax.Array:
        shape = (batch["label"].shape[0], self.max_instances)
        rows = jnp.arange(shape[0])[:, None, None]
        of_class = jnp.zeros(shape, bool).at[rows, batch["instance"]].max(batch["label"] == class_id)
        seeds = jax.random.randint(class_rng, shape, 1, jnp.iinfo(jnp.int32).max)
        return self.generate(nets, batch, rng, instance_seeds=jnp.where(of_class, seeds, 0))

    def checkpoint_names(self) -> dict[str, Rules]:
        return {"generator": (), "discriminator": self.discriminator_names(), "encoder": ()}


def _taken(posterior: Posterior, style_from: jax.Array | None) -> Posterior:
    """The posterior of each instance by the number it takes: a standard normal one where that is negative."""
    if style_from is None:
        return posterior
    numbers = jnp.asarray(style_from)[:, :, None, None]

    def take(x: jax.Array) -> jax.Array:
        return jnp.where(numbers < 0, 0, jnp.take_along_axis(x, jnp.maximum(numbers, 0), axis=1))

    return Posterior(take(posterior.mean), take(posterior.log_variance))


def _check_shape(name: str, array: jax.Array | None, shape: tuple[int, ...]) -> None:
    if array is not None and jnp.shape(array) != shape:
        raise UserError(f"{name} has shape {jnp.shape(array)}; it should be {shape}")

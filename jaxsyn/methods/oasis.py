"""OASIS: adversarial supervision alone (Schoenfeld et al., ICLR 2021, arXiv 2012.04781)."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jaxsyn.errors import UserError
from jaxsyn.layers import SPADE, LabelConv, LabelMap, initializer, upsample_nearest, with_neighbourhoods
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.losses.reconstruction import perceptual
from jaxsyn.losses.segmentation import (
    class_cross_entropy,
    class_weights,
    fake_cross_entropy,
    labelmix_consistency,
    labelmix_mask,
    mix,
)
from jaxsyn.methods.base import Batch, Frozen, Method, Phase, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import frozen_vgg
from jaxsyn.networks.segmentation_discriminator import TORCH_RULES, SegmentationDiscriminator
from jaxsyn.networks.spade_decoder import SpadeBlock, to_image

# Widths of the generator's blocks as multiples of its last one's; the size doubles between them.
MULTIPLES = (16, 16, 8, 4, 2, 1)
DOUBLINGS = len(MULTIPLES) - 1
NOISES = ("image", "class", "pixel")


class Generator(nn.Module):
    """SPADE's decoder, cut short, on a label map with noise before its classes (section 3.3).

    Attributes:
        start: height and width of the first feature map, 1/32 of the image's.
        width: channels of the last block.
        norm, kernel_size, hidden: of the SPADE layers.
        spectral: spectral normalisation of the blocks' own convolutions.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
        modulation: how the SPADE layers convolve the label map, of `with_neighbourhoods`; results are the same.
    """

    start: tuple[int, int]
    width: int = 64
    norm: str = "syncbatch"
    kernel_size: int = 3
    hidden: int = 128
    spectral: bool = True
    remat: bool = False
    modulation: str = "auto"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> jax.Array:
        """Label map [B, H, W] -> image [B, H, W, 3] in [-1, 1], float32."""
        block = nn.remat(SpadeBlock) if self.remat else SpadeBlock
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        norm = partial(SPADE, self.norm, self.kernel_size, self.hidden, **common)
        x = LabelConv(16 * self.width, name="fc", **common)(label.resize(*self.start))
        for i, multiple in enumerate(MULTIPLES):
            x = upsample_nearest(x) if i else x
            seen = with_neighbourhoods(label.resize(*x.shape[1:3]), self.modulation, self.hidden)
            x = block(multiple * self.width, norm, self.spectral, name=f"body_{i}", **common)(x, seen)
        return to_image(x, **common)


class Oasis(Method):
    """OASIS (section 3): the discriminator segments images into the classes and "generated".

    The generator is to be segmented as its label map, by a cross entropy that balances the classes; the discriminator
    is regularised by LabelMix. The noise is a tensor as large as the label map. The paper speaks of a 3D tensor and
    the authors' code draws one vector for all pixels of an image: `config.model.noise` chooses what training draws,
    and `generate` takes either.
    """

    def networks(self) -> dict[str, nn.Module]:
        scale = 2 ** len(self.config.model.discriminator.widths)
        self._multiple_of(scale, "model.discriminator.widths makes the discriminator shrink them")
        return {"generator": self.generator(), "discriminator": self.discriminator()}

    @property
    def layer_options(self) -> dict[str, Any]:
        """How both networks are initialised, and what they compute in."""
        model = self.config.model
        return {
            "kernel_init": initializer(model.init, model.init_gain),
            "remat": self.config.remat,
            "dtype": self.dtype,
        }

    def generator(self) -> Generator:
        """The generator of `config.model.generator`."""
        height, width = self._multiple_of(2**DOUBLINGS, "the generator enlarges its first feature map")
        start = (height // 2**DOUBLINGS, width // 2**DOUBLINGS)
        options = {"modulation": self.config.modulation, **self.layer_options}
        return Generator(start, **self.config.model.generator, **options)

    def discriminator(self) -> SegmentationDiscriminator:
        """The discriminator of `config.model.discriminator`."""
        model = self.config.model.discriminator
        return SegmentationDiscriminator(
            self.num_classes, tuple(model.widths), model.last_width, model.spectral, **self.layer_options
        )

    def _multiple_of(self, scale: int, reason: str) -> tuple[int, int]:
        height, width = self.config.data.height, self.config.data.width
        if height % scale or width % scale:
            raise UserError(
                f"data.height x data.width = {height}x{width} must be multiples of {scale}, by which {reason}"
            )
        return height, width

    def frozen(self) -> dict[str, Frozen]:
        return frozen_vgg(self.config.loss, self.dtype)

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("generator", trains=("generator",), loss=self.generator_loss),
            Phase("discriminator", trains=("discriminator",), loss=self.discriminator_loss),
        )

    def labels(self, batch: Batch) -> jax.Array:
        """The batch's ids [B, H, W]; with `model.unknown_first` the unknown class, the data's last, becomes class 0."""
        shift = int(self.config.model.unknown_first)
        return (batch["label"] + shift) % self.num_classes if shift else batch["label"]

    def class_weights(self, label: jax.Array) -> jax.Array | None:
        """Weights [N] of the classes in a label map, None where the config balances none."""
        loss = self.config.loss
        return class_weights(label, self.num_classes, dont_care=loss.dont_care) if loss.balance_classes else None

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        label = self.labels(batch)
        fake = self.synthesize(nets, label, self.noise(label, rng))
        logits = nets.discriminator(fake)
        terms = {"adversarial": class_cross_entropy(logits, label, self.class_weights(label))}
        if self.config.loss.weights.perceptual:
            terms["perceptual"] = perceptual(nets.vgg, fake, batch["image"], self.config.loss.vgg_layer_weights)
        return self.weigh(terms)

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        to_synthesize, to_mix = jax.random.split(rng)
        label, real = self.labels(batch), batch["image"]
        fake = lax.stop_gradient(self.synthesize(nets, label, self.noise(label, to_synthesize)))
        on_fake = nets.discriminator(fake)
        on_real = nets.discriminator(real)
        terms = {
            "fake": fake_cross_entropy(on_fake),
            "real": class_cross_entropy(on_real, label, self.class_weights(label)),
        }
        if self.config.loss.weights.labelmix:
            mask = labelmix_mask(self.labelmix_draws(to_mix), label)
            on_mixed = nets.discriminator(mix(mask, real, fake))
            terms["labelmix"] = labelmix_consistency(mask, on_real, on_fake, on_mixed)
        return self.weigh(terms)

    def labelmix_draws(self, rng: jax.Array) -> jax.Array:
        """Whether LabelMix takes each class from the real images: [N] booleans, one draw for the whole batch."""
        return jax.random.bernoulli(rng, shape=(self.num_classes,))

    def synthesize(self, nets: Nets, label: jax.Array, noise: jax.Array | None) -> jax.Array:
        """The generator's images [B, H, W, 3] of ids and of the noise that `noise` or `place_noise` gave."""
        return nets.generator(LabelMap(label, None, self.num_classes, noise))

    def noise(self, label: jax.Array, rng: jax.Array) -> jax.Array | None:
        """Standard normal noise as `config.model.noise` draws it, [B, D] or [B, H, W, D]; None for a model without."""
        model = self.config.model
        if model.noise not in NOISES:
            raise UserError(f"model.noise = {model.noise!r} is not known; choose one of {', '.join(NOISES)}")
        if not model.noise_channels:
            return None
        counts = {"image": (), "class": (self.num_classes,), "pixel": label.shape[1:]}
        noise = jax.random.normal(rng, (label.shape[0], *counts[model.noise], model.noise_channels))
        return self.place_noise(label, noise)

    def place_noise(self, label: jax.Array, noise: jax.Array) -> jax.Array:
        """Noise of images [B, D], of classes [B, N, D] or of pixels [B, H, W, D] as the generator takes it.

        Raises:
            UserError: noise for a model without, or of another shape.
        """
        batch, depth = label.shape[0], self.config.model.noise_channels
        if not depth:
            raise UserError("this model takes no noise: train it with --config.model.noise_channels=64")
        shapes = ((batch, depth), (batch, self.num_classes, depth), (*label.shape, depth))
        if noise.shape not in shapes:
            raise UserError(f"noise has shape {noise.shape}: give one of {', '.join(map(str, shapes))}")
        return jax.vmap(lambda codes, ids: codes[ids])(noise, label) if noise.ndim == 3 else noise

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        noise: jax.Array | None = None,
        region: jax.Array | None = None,
        region_noise: jax.Array | None = None,
    ) -> jax.Array:
        """Images of the batch's label maps.

        Args:
            noise: standard normal, [B, D] of images, [B, N, D] of classes or [B, H, W, D] of pixels; drawn where not
                given. Classes are numbered as `labels` does.
            region: [B, H, W] booleans, the pixels whose noise is drawn anew; the others keep theirs.
            region_noise: [B, D] to put there instead of a new draw.

        Raises:
            UserError: noise for a model without, of another shape, or for a region that is not given.
        """
        label = self.labels(batch)
        to_draw, to_redraw = jax.random.split(rng)
        noise = self.noise(label, to_draw) if noise is None else self.place_noise(label, noise)
        if region is None:
            if region_noise is not None:
                raise UserError("region_noise is given without region: say which pixels it is for")
        else:
            noise = self._redraw(label, noise, region, region_noise, to_redraw)
        return self.synthesize(nets, label, noise)

    @property
    def has_class_latents(self) -> bool:
        return self.config.model.noise_channels > 0

    def resample_class(
        self, nets: Nets, batch: Batch, rng: jax.Array, class_id: jax.Array, class_rng: jax.Array
    ) -> jax.Array:
        noise = jax.random.normal(class_rng, (batch["label"].shape[0], self.config.model.noise_channels))
        return self.generate(nets, batch, rng, region=batch["label"] == class_id, region_noise=noise)

    def _redraw(
        self, label: jax.Array, noise: jax.Array | None, region: jax.Array, new: jax.Array | None, rng: jax.Array
    ) -> jax.Array:
        shape = (label.shape[0], self.config.model.noise_channels)
        new = jax.random.normal(rng, shape) if new is None else new
        if noise is None:
            raise UserError("this model takes no noise: train it with --config.model.noise_channels=64")
        if new.shape != shape or region.shape != label.shape:
            raise UserError(
                f"region has shape {region.shape} and region_noise {new.shape}: give {label.shape} and {shape}"
            )
        noise = noise if noise.ndim == 4 else noise[:, None, None]
        return jnp.where(region.astype(bool)[..., None], new[:, None, None], noise)

    def checkpoint_names(self) -> dict[str, Rules]:
        generator = (
            (r"^body_(\d)\.", r"body.\1."),
            (r"param_free_norm\.", "first_norm."),
            (r"mlp_shared\.", "mlp_shared.0."),
        )
        return {"generator": generator, "discriminator": TORCH_RULES}

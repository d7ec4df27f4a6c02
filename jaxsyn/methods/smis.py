"""SMIS: a latent code for every class, by group convolutions (Zhu et al., CVPR 2020, arXiv 2003.12697)."""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, GroupSPADE, InstanceNorm, LabelMap, class_crops
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.losses.variational import kl_divergence, reparameterize
from jaxsyn.methods.base import Batch, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import SemanticSynthesis
from jaxsyn.networks.spade_decoder import UPSAMPLINGS, SpadeBlock, decode, first_size, to_image

LATENT_CHANNELS = 8  # of a class
BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3")


class Generator(nn.Module):
    """GroupDNet's decoder (figure 3): a latent grid per class, in ever fewer groups, to an image.

    Attributes:
        first_width, first_groups: channels and groups of the convolution over the latents.
        widths, groups: channels and groups of the seven blocks.
        modulation: how the label map reaches a block of g groups, of N classes: `block`, `hidden` channels and g groups
            throughout (DeepFashion); `class`, N * g hidden channels and N groups throughout (Cityscapes); or `mixed`,
            N groups over the label map and g after it, with 2 N hidden channels where g divides N, else N * g (ADE20K).
        hidden: channels of `block` modulation.
        spare_block: the authors' ADE20K generator has a block `up_4` that it never uses: keep one, for their files.
        norm, kernel_size, first_gamma: of the GroupSPADE layers.
        upsampling: `normal` or `more`: 5 or 6 doublings.
        spectral: spectral normalisation of the blocks' own convolutions.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    first_width: int
    first_groups: int
    widths: tuple[int, ...]
    groups: tuple[int, ...]
    modulation: str = "block"
    hidden: int = 128
    spare_block: bool = False
    norm: str = "syncbatch"
    kernel_size: int = 3
    first_gamma: float = 0.0
    upsampling: str = "more"
    spectral: bool = True
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, latent: jax.Array) -> jax.Array:
        """Label map [B, H, W] and latents [B, h, w, N, 8] -> image [B, H, W, 3] in [-1, 1], float32."""
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        block_type = nn.remat(SpadeBlock) if self.remat else SpadeBlock

        def block_of(x: jax.Array, width: int, groups: int, name: str) -> jax.Array:
            sizes = modulation_sizes(self.modulation, label.num_classes, groups, self.hidden)
            norm = partial(GroupSPADE, *sizes, self.norm, self.kernel_size, self.first_gamma, **common)
            return block_type(width, norm, self.spectral, groups, name=name, **common)(x, label)

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            index = BLOCKS.index(name)
            return block_of(x, self.widths[index], self.groups[index], name)

        x = latent.reshape(*latent.shape[:3], -1)
        x = Conv(self.first_width, groups=self.first_groups, name="fc", **common)(x)
        x = decode(x, block, self.upsampling)
        if self.spare_block and self.is_initializing():
            block_of(x[:, :1, :1], self.widths[-1] // 2, 1, "up_4")
        return to_image(x, **common)


def modulation_sizes(kind: str, classes: int, groups: int, hidden: int) -> tuple[int, int, int]:
    """Hidden channels, label groups and groups of the GroupSPADE layers of a block; see `Generator.modulation`.

    Raises:
        UserError: no such kind.
    """
    if kind == "block":
        return hidden, groups, groups
    if kind == "class":
        return classes * groups, classes, classes
    if kind == "mixed":
        return classes * (groups if classes % groups else 2), classes, groups
    raise UserError(f"model.generator.modulation = {kind!r}; choose block, class or mixed")


class ClassEncoder(nn.Module):
    """The encoder, a group a class (figure 3): crops [B, H, W, N, 3] -> mean, log variance [B, h, w, N, 8].

    h = H / 2**num_layers.

    Attributes:
        width: channels after the first convolution, over all classes; 2, 4 and 8 times that after the next.
    """

    width: int
    num_layers: int = 6
    spectral: bool = True
    normalized: bool = True
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, crops: jax.Array) -> tuple[jax.Array, jax.Array]:
        classes = crops.shape[3]
        common = {"groups": classes, "kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"stride": 2, "spectral": self.spectral, "use_bias": not self.normalized, **common}
        x = crops.reshape(*crops.shape[:3], -1)
        for i in range(self.num_layers):
            x = Conv(min(2**i, 8) * self.width, name=f"layer{i + 1}", **options)(x)
            x = InstanceNorm(dtype=self.dtype)(x) if self.normalized else x
            x = nn.leaky_relu(x, 0.2)

        def head(name: str) -> jax.Array:
            y = Conv(LATENT_CHANNELS * classes, name=name, **common)(x)
            return y.reshape(*y.shape[:3], classes, LATENT_CHANNELS).astype(jnp.float32)

        return head("fc_mu"), head("fc_var")


class Smis(SemanticSynthesis):
    """SMIS: each class has a latent code of its own, so that one can be changed and the others kept (section 3)."""

    def networks(self) -> dict[str, nn.Module]:
        encoder = ClassEncoder(**self.config.model.encoder, **self.layer_options)
        return {"generator": self.generator(), "discriminator": self.discriminator(), "encoder": encoder}

    def generator(self) -> Generator:
        """The generator of `config.model.generator`."""
        options = self.config.model.generator
        if options.upsampling == "most":
            raise UserError("model.generator.upsampling = 'most' is not defined for SMIS; choose normal or more")
        if len(options.widths) != len(BLOCKS) or len(options.groups) != len(BLOCKS):
            raise UserError(f"model.generator.widths and groups name the {len(BLOCKS)} blocks {', '.join(BLOCKS)}")
        return Generator(**options, remat=self.config.remat, **self.layer_options)

    @property
    def start(self) -> tuple[int, int]:
        """Height and width of the latents."""
        return first_size(self.config.data.height, self.config.data.width, self.config.model.generator.upsampling)

    def encode(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        """Latents [B, h, w, N, 8] drawn from the posteriors of the classes, of absent ones too."""
        crops = class_crops(batch["image"].astype(self.dtype), batch["label"], self.num_classes)
        mean, log_variance = nets.encoder(crops)
        if mean.shape[1:3] != self.start:
            raise UserError(
                f"model.encoder.num_layers = {self.config.model.encoder.num_layers} ends at {mean.shape[1:3]}, but the "
                f"generator begins at {self.start}; set it to {UPSAMPLINGS[self.config.model.generator.upsampling]}"
            )
        latent = reparameterize(mean, log_variance, self.noise(mean.shape, rng))
        return latent, {"kl": kl_divergence(mean, log_variance)}

    def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
        """Standard normal noise of the latents."""
        return jax.random.normal(rng, shape)

    def synthesize(self, nets: Nets, batch: Batch, style: jax.Array, rng: jax.Array) -> jax.Array:
        return nets.generator(self.label_map(batch), style)

    def draw_latent(self, batch_size: int, rng: jax.Array) -> jax.Array:
        """Latents [B, h, w, N, 8] from the prior, to keep while some classes are varied."""
        return jax.random.normal(rng, (batch_size, *self.start, self.num_classes, LATENT_CHANNELS))

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        latent: jax.Array | None = None,
        style_image: jax.Array | None = None,
        style_label: jax.Array | None = None,
        style_classes: jax.Array | None = None,
        resample: jax.Array | None = None,
    ) -> jax.Array:
        """Images of the batch's label maps.

        Args:
            latent: [B, h, w, N, 8] latents, as `draw_latent` gives them; drawn from the prior by default.
            style_image: [B, H, W, 3] images in [-1, 1] whose classes' looks to take, drawn from their posteriors, with
            style_label: [B, H, W], their own label maps, both of the config's size.
            style_classes: bool [N] or [B, N]: the classes that take it; by default those in the style image.
            resample: bool [N] or [B, N]: the classes whose latents are drawn anew; all else stays as it is.

        Raises:
            UserError: controls that lack their partner or have another shape.
        """
        batch_size = batch["label"].shape[0]
        posterior, again = (jax.random.fold_in(rng, i) for i in (1, 2))
        drawn = self.draw_latent(batch_size, self._prior(rng))
        if latent is None:
            latent = drawn
        elif jnp.shape(latent) != drawn.shape:
            raise UserError(f"latent of shape {jnp.shape(latent)}: expected {drawn.shape}, [B, h, w, N, 8]")
        if (style_image is None) != (style_label is None):
            raise UserError("style_image and style_label go together: a class is cut out by the image's own label map")
        if style_image is None and style_classes is not None:
            raise UserError("style_classes needs a style_image, and style_label, to take the looks from")
        if style_image is not None:
            expected = (*batch["label"].shape, 3)
            if jnp.shape(style_image) != expected or jnp.shape(style_label) != expected[:3]:
                raise UserError(
                    f"style_image {jnp.shape(style_image)} and style_label {jnp.shape(style_label)}: expected "
                    f"{expected} and {expected[:3]}"
                )
            encoded, _ = self.encode(nets, {"image": style_image, "label": style_label}, posterior)
            if style_classes is None:
                present = jax.nn.one_hot(style_label, self.num_classes).any((1, 2))
                latent = jnp.where(present[:, None, None, :, None], encoded, latent)
            else:
                latent = jnp.where(self._chosen("style_classes", style_classes, batch_size), encoded, latent)
        if resample is not None:
            fresh = self.draw_latent(batch_size, again)
            latent = jnp.where(self._chosen("resample", resample, batch_size), fresh, latent)
        return self.synthesize(nets, batch, latent, rng)

    @property
    def has_class_latents(self) -> bool:
        return True

    def resample_class(
        self, nets: Nets, batch: Batch, rng: jax.Array, class_id: jax.Array, class_rng: jax.Array
    ) -> jax.Array:
        batch_size = batch["label"].shape[0]
        kept, drawn = (self.draw_latent(batch_size, key) for key in (self._prior(rng), class_rng))
        chosen = jnp.arange(self.num_classes)[:, None] == class_id
        return self.synthesize(nets, batch, jnp.where(chosen, drawn, kept), rng)

    def _prior(self, rng: jax.Array) -> jax.Array:
        """The key by which `generate` draws what it is not given."""
        return jax.random.fold_in(rng, 0)

    def _chosen(self, name: str, classes: jax.Array, batch_size: int) -> jax.Array:
        """The choice of classes as [B or 1, 1, 1, N, 1]."""
        shapes = ((self.num_classes,), (batch_size, self.num_classes))
        if jnp.shape(classes) not in shapes or jnp.asarray(classes).dtype != bool:
            raise UserError(f"{name} must be bool {shapes[0]} or {shapes[1]}: True for the classes it means")
        return jnp.asarray(classes).reshape(-1, 1, 1, self.num_classes, 1)

    def checkpoint_names(self) -> dict[str, Rules]:
        encoder = ((r"^(layer\d)\.", r"\1.0."),) if self.config.model.encoder.normalized else ()
        return {
            "generator": ((r"mlp_shared\.", "mlp_shared.0."),),
            "discriminator": self.discriminator_names(),
            "encoder": encoder,
        }

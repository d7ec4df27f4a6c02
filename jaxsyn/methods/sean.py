"""SEAN: a style code for every region of the label map (Zhu et al., CVPR 2020, arXiv 1911.12861)."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import ACE, Conv, ConvTranspose, InstanceNorm, LabelConv, LabelMap, StyledLabel, region_means
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.methods.base import Batch, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import SemanticSynthesis
from jaxsyn.networks.spade_decoder import SpadeBlock, decode, first_size, to_image

# Block -> its ACE layers -> the noise of each.
Noise = Mapping[str, Mapping[str, jax.Array]]


class StyleEncoder(nn.Module):
    """Image and its label map to a style code per region (section 3.1; `Zencoder` in the authors' code).

    [B, H, W, 3] -> [B, K, features], values in (-1, 1), K = label.channels; zero where a class has no pixels, counted
    in the label map at half the image's size.

    Attributes:
        width: channels after the first convolution; 32 in the released model.
    """

    features: int = 512
    width: int = 32
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def __call__(self, image: jax.Array, label: LabelMap) -> jax.Array:
        return region_means(self.feature_map(image), label)

    @nn.compact
    def feature_map(self, image: jax.Array) -> jax.Array:
        """[B, H, W, 3] -> [B, H / 2, W / 2, features], of which the codes are means."""
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        layers = (
            Conv(self.width, padding_mode="reflect", name="conv_0", **common),
            Conv(2 * self.width, stride=2, name="conv_1", **common),
            Conv(4 * self.width, stride=2, name="conv_2", **common),
            ConvTranspose(8 * self.width, name="conv_3", **common),
        )
        x = image
        for layer in layers:
            x = nn.leaky_relu(InstanceNorm(dtype=self.dtype)(layer(x)), 0.2)
        return jnp.tanh(Conv(self.features, padding_mode="reflect", name="conv_4", **common)(x))


class Generator(nn.Module):
    """SEAN's generator (figure 3): SPADE's, with ACE layers in the place of its norms, and the style encoder within.

    Attributes:
        start: height and width of the first feature map.
        width: channels of the last block (`ngf`); 16 times that at the start.
        upsampling: `normal` or `more`: 5 or 6 doublings.
        style_length: length of a region's code.
        encoder_width: `width` of the style encoder.
        kernel_size, hidden: of SPADE's part of the ACE layers.
        spectral: spectral normalisation of the blocks' own convolutions.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    start: tuple[int, int]
    width: int = 64
    upsampling: str = "normal"
    style_length: int = 512
    encoder_width: int = 32
    kernel_size: int = 3
    hidden: int = 128
    spectral: bool = True
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        self.style_encoder = StyleEncoder(self.style_length, self.encoder_width, self.kernel_init, self.dtype)

    def encode(self, image: jax.Array, label: LabelMap) -> jax.Array:
        """The style codes [B, K, S] of an image's regions, by its own label map."""
        return self.style_encoder(image, label)

    @nn.compact
    def __call__(
        self,
        label: LabelMap,
        image: jax.Array | None = None,
        codes: jax.Array | None = None,
        noise: Noise | None = None,
    ) -> jax.Array:
        """Image [B, H, W, 3] in [-1, 1], float32, of a label map [B, H, W].

        Args:
            image: [B, H, W, 3] whose style is taken, by the same label map; or
            codes: [B, K, S] style codes.
            noise: block -> layer -> [B, h, w, 1]; what is not given is drawn from the rng stream "noise".
        """
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        block_type = nn.remat(SpadeBlock) if self.remat else SpadeBlock
        styled = StyledLabel(label, self.encode(image, label) if codes is None else codes)

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            norm = partial(ACE, name != "up_3", self.kernel_size, self.hidden, **common)
            layout = styled.replace(noise=(noise or {}).get(name, {}))
            return block_type(int(multiple * self.width), norm, self.spectral, name=name, **common)(x, layout)

        x = LabelConv(16 * self.width, name="fc", **common)(label.resize(*self.start))
        return to_image(decode(x, block, self.upsampling), **common)


class Sean(SemanticSynthesis):
    """SEAN: trained to reconstruct an image from its label map and the codes of its own regions (section 4)."""

    def networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator(), "discriminator": self.discriminator()}

    def generator(self) -> Generator:
        """The generator of `config.model.generator`."""
        model, data = self.config.model, self.config.data
        if model.generator.upsampling == "most":
            raise UserError("model.generator.upsampling = 'most' is not defined for SEAN; choose normal or more")
        start = first_size(data.height, data.width, model.generator.upsampling)
        return Generator(start, **model.generator, remat=self.config.remat, **self.layer_options)

    def encode(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        """The image whose style is taken: in training the real one. Its codes are made within the generator."""
        return batch["image"], {}

    def synthesize(self, nets: Nets, batch: Batch, style: jax.Array, rng: jax.Array) -> jax.Array:
        return nets.generator(self.label_map(batch), image=style, rngs={"noise": rng})

    def style_codes(self, nets: Nets, image: jax.Array, label: LabelMap) -> jax.Array:
        """Codes [B, K, S] of the regions of images [B, H, W, 3], by their own label maps; zero: no such region."""
        return nets.generator(image, label, method=Generator.encode)

    def noise_sizes(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Block -> its ACE layers -> height and width of the noise of each."""
        model, sizes = self.generator(), {}

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            features = int(multiple * model.width)
            layers = ("norm_0", "norm_1") + (("norm_s",) if features != x.shape[-1] else ())
            sizes[name] = dict.fromkeys(layers, x.shape[1:3])
            return jnp.zeros((*x.shape[:3], features))

        first = jax.ShapeDtypeStruct((1, *model.start, 16 * model.width), jnp.float32)
        jax.eval_shape(lambda x: decode(x, block, model.upsampling), first)
        return sizes

    def draw_noise(self, batch_size: int, rng: jax.Array) -> dict[str, dict[str, jax.Array]]:
        """Noise of every ACE layer, to keep while something else is varied: block -> layer -> [B, h, w, 1]."""
        leaves, tree = jax.tree.flatten(self.noise_sizes(), is_leaf=lambda size: isinstance(size, tuple))
        keys = jax.random.split(rng, len(leaves))
        noise = [jax.random.normal(key, (batch_size, *size, 1)) for key, size in zip(keys, leaves, strict=True)]
        return jax.tree.unflatten(tree, noise)

    def generate(
        self,
        nets: Nets,
        batch: Batch,
        rng: jax.Array,
        *,
        style: jax.Array | None = None,
        style_image: jax.Array | None = None,
        style_label: jax.Array | None = None,
        other_style: jax.Array | None = None,
        classes: jax.Array | None = None,
        interpolation: jax.Array | float | None = None,
        mean_style: jax.Array | None = None,
        noise: Noise | None = None,
    ) -> jax.Array:
        """Images of the batch's label maps; with no control, reconstructions of the batch's own images.

        A class that the style lacks has code zero, from which the model makes what it will; `mean_style` fills it in.

        Args:
            style: [B, K, S] or, for all images, [K, S]: style codes, as `style_codes` gives them.
            style_image: [B, h, w, 3] images in [-1, 1] whose regions' styles to take instead, with
            style_label: [B, h, w], their own label maps.
            other_style: codes of what `classes` and `interpolation` leave: by default those of the batch's images.
            classes: bool [K] or [B, K]: the classes whose style is replaced; all by default.
            interpolation: from 0, the other style, to 1, the style; a number, [B], or [B, K] for each class its own.
            mean_style: [K, S] codes for classes without one (`python -m jaxsyn.evaluation.mean_style` makes them).
            noise: block -> layer -> [B, h, w, 1], as `draw_noise` gives it; what is not given is drawn by `rng`.

        Raises:
            UserError: controls that contradict each other, lack their partner, or have another shape.
        """
        label = self.label_map(batch)
        if style is not None and style_image is not None:
            raise UserError("style and style_image both say what style to take: give one of them")
        if (style_image is None) != (style_label is None):
            raise UserError("style_image and style_label go together: codes are means over the image's own regions")
        partial_style = other_style is not None or classes is not None or interpolation is not None
        if partial_style and style is None and style_image is None:
            raise UserError("other_style, classes and interpolation need a style or style_image to mix in")

        codes = style
        if style_image is not None:
            codes = self.style_codes(nets, style_image, LabelMap(style_label, None, label.channels))
        if other_style is None and (codes is None or partial_style):
            if "image" not in batch:
                raise UserError("the batch has no image to take the style of: give style, or style_image")
            other_style = self.style_codes(nets, batch["image"], label)
        shape = (label.ids.shape[0], label.channels, self.config.model.generator.style_length)
        codes, other_style = (_completed(c, mean_style, shape) for c in (codes, other_style))
        if codes is None:
            codes = other_style
        elif other_style is not None:
            codes = other_style + _share(classes, interpolation, shape) * (codes - other_style)
        self._check_noise(noise or {}, shape[0])
        return nets.generator(label, codes=codes, noise=noise, rngs={"noise": rng})

    def _check_noise(self, noise: Noise, batch_size: int) -> None:
        sizes = self.noise_sizes() if noise else {}
        for block, layers in noise.items():
            for layer, array in layers.items():
                size = sizes.get(block, {}).get(layer)
                if size is None:
                    raise UserError(f"noise: there is no layer {block}/{layer}; Sean.noise_sizes() lists them")
                if array.shape != (batch_size, *size, 1):
                    raise UserError(f"noise of {block}/{layer} is {array.shape}, not {(batch_size, *size, 1)}")

    def checkpoint_names(self) -> dict[str, Rules]:
        generator = (
            *encoder_names("style_encoder.", "Zencoder."),
            (r"\.norm_(\w)\.", r".ace_\1."),
            (r"mlp_shared\.", "mlp_shared.0."),
            (r"fc_mu\.(\d+)\.", r"fc_mu\1."),
        )
        return {"generator": generator, "discriminator": self.discriminator_names()}


def encoder_names(prefix: str = "", theirs: str = "") -> Rules:
    """Renamings of the style encoder's parameters to those of the authors' sequence of layers."""
    places = enumerate((1, 4, 7, 10, 14))
    return tuple((rf"^{re.escape(prefix)}conv_{i}\.", f"{theirs}model.{place}.") for i, place in places)


def _completed(codes: jax.Array | None, mean_style: jax.Array | None, shape: tuple[int, int, int]) -> jax.Array | None:
    """Codes [B, K, S], those of absent classes (all zero) from the mean style."""
    if codes is None:
        return None
    for name, array in (("style codes", codes), ("mean_style", mean_style)):
        if array is not None and jnp.shape(array) not in (shape, shape[1:]):
            raise UserError(f"{name} of shape {jnp.shape(array)}: expected {shape} or {shape[1:]}, [B, K, S] or [K, S]")
    codes = jnp.broadcast_to(codes, shape)
    return codes if mean_style is None else jnp.where((codes != 0).any(-1, keepdims=True), codes, mean_style)


def _share(
    classes: jax.Array | None, interpolation: jax.Array | float | None, shape: tuple[int, int, int]
) -> jax.Array:
    """How much of the style each class takes, [B, K, 1] or what broadcasts to it."""
    batch, num_classes, _ = shape
    share = jnp.asarray(1.0 if interpolation is None else interpolation, jnp.float32)
    if share.shape not in ((), (batch,), (batch, num_classes)):
        expected = f"a number, {(batch,)} or {(batch, num_classes)}"
        raise UserError(f"interpolation of shape {share.shape}: expected {expected}")
    share = share.reshape(*share.shape, *(1,) * (3 - share.ndim))
    if classes is None:
        return share
    if jnp.shape(classes) not in ((num_classes,), (batch, num_classes)) or jnp.asarray(classes).dtype != bool:
        raise UserError(f"classes must be bool {(num_classes,)} or {(batch, num_classes)}: True where to replace")
    return share * jnp.asarray(classes)[..., None]

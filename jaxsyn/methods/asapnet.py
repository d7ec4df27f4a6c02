"""ASAP-Net: spatially-adaptive pixelwise networks (Rott Shaham et al., CVPR 2021, arXiv 2012.02992)."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import (
    Conv,
    InstanceNorm,
    LabelConv,
    LabelMap,
    edge_distances,
    instance_edges,
    parameter_count,
    pixelwise_mlp,
    position_channels,
    tent_downsample_label,
)
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.losses.adversarial import generator_loss
from jaxsyn.losses.reconstruction import feature_matching, mean_absolute, perceptual
from jaxsyn.methods.base import Batch, Rules, Terms
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import SemanticSynthesis
from jaxsyn.networks.plain_norm import plain_norm

INSTANCE_CHANNELS = {"edges": instance_edges, "distances": edge_distances}


class ParameterPredictor(nn.Module):
    """The low-resolution stream (section 3.2): label map [B, H, W] -> [B, H / factor, W / factor, features].

    Attributes:
        features: numbers that it predicts for each place.
        factor: down-sampling by its strided convolutions, a power of two (S2).
        width, max_width: channels of the convolutions before the last strided one, and from it on.
        depth: convolutions after them.
        padding_mode: `zeros` or `reflect`.
        norm: `instance_affine`, `instance`, `batch` or `none`; a convolution before a norm has no bias.
        spectral: spectral normalisation of all convolutions but the last.
    """

    features: int
    factor: int = 16
    width: int = 64
    max_width: int = 1024
    depth: int = 7
    padding_mode: str = "zeros"
    norm: str = "instance_affine"
    spectral: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> jax.Array:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"padding_mode": self.padding_mode, "use_bias": self.norm == "none", "spectral": self.spectral}
        x: LabelMap | jax.Array = label
        for i, width in enumerate(self._widths()):
            conv = LabelConv if i == 0 else Conv
            stride = 2 if 0 < i <= _halvings(self.factor) else 1
            x = conv(width, stride=stride, name=f"conv_{i}", **options, **common)(x)
            x = nn.relu(self._normalize(x, f"norm_{i}"))
        return Conv(self.features, kernel_size=1, name="conv_out", **common)(x)

    def _widths(self) -> Sequence[int]:
        halvings = _halvings(self.factor)
        wide = self.max_width if halvings else self.width
        return [self.width] * max(halvings, 1) + [wide] * (min(halvings, 1) + self.depth)

    def _normalize(self, x: jax.Array, name: str) -> jax.Array:
        if self.norm == "instance_affine":
            return InstanceNorm(affine=True, dtype=self.dtype, name=name)(x)
        return plain_norm(x, self.norm, dtype=self.dtype, name=name)


def predictor_names(factor: int, depth: int, padding_mode: str, norm: str) -> tuple[tuple[str, str], ...]:
    """Renamings of `ParameterPredictor`, as `predictor`, to the authors' module, whose sequence counts paddings too."""
    padding = 0 if padding_mode == "zeros" else 1
    inner = "" if norm == "none" else ".0"
    strided = 1 + _halvings(factor)
    first_block = (2 + padding) * strided
    rules = [(r"^predictor\.conv_out\.", f"lowres_stream.model.{first_block + depth}.")]
    for i in range(strided + depth):
        block = first_block + i - strided
        place = (2 + padding) * i + padding if i < strided else f"{block}.conv_block.{padding}"
        rules += [(rf"^predictor\.conv_{i}\.", f"lowres_stream.model.{place}{inner}.")]
        rules += [(rf"^predictor\.norm_{i}\.", f"lowres_stream.model.{place}.1.")]
    return tuple(rules)


def _halvings(factor: int) -> int:
    if factor < 1 or factor & (factor - 1):
        raise UserError(f"model.generator.learned_factor = {factor} is no power of two: strided convolutions halve")
    return factor.bit_length() - 1


class Generator(nn.Module):
    """Pixelwise networks (figure 2): a small MLP for each tile, its parameters predicted at low resolution.

    Attributes:
        tile_size: height and width of a tile in pixels (S = S1 * S2). The sizes of images are multiples of it.
        learned_factor: which part of that is done by strided convolutions (S2); a fixed filter does the rest (S1).
        width, max_width, depth, padding_mode, norm, spectral: of the `ParameterPredictor`.
        mlp_width, mlp_depth: hidden channels and layers of the MLPs.
        position_encoding: whether an MLP sees where in its tile a pixel lies; tiles are then powers of two.
        hidden_channels: how many channels of the label map, from the last on, the MLPs do not see: 1 hides the
            instance channel (the authors' `lr_instance`; where there is none, that hides the last class).
        remat: whether the MLPs' activations, at the full size, are recomputed in the backward pass.
    """

    tile_size: int
    learned_factor: int = 16
    width: int = 64
    max_width: int = 1024
    depth: int = 7
    mlp_width: int = 64
    mlp_depth: int = 5
    position_encoding: bool = True
    padding_mode: str = "zeros"
    norm: str = "instance_affine"
    spectral: bool = False
    hidden_channels: int = 0
    out_channels: int = 3
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> tuple[jax.Array, jax.Array]:
        """Label map [B, H, W] -> image [B, H, W, out_channels] in [-1, 1] and the MLPs' parameters [B, h, w, P].

        Raises:
            UserError: a size that is no multiple of the tile, or a tile that the factors do not make.
        """
        self._require_tiles(*label.ids.shape[1:3])
        seen = _without_last(label, self.hidden_channels)
        inputs = seen.channels + (position_channels(self.tile_size) if self.position_encoding else 0)
        channels = (inputs, *[self.mlp_width] * (self.mlp_depth - 1), self.out_channels)
        fixed = self.tile_size // self.learned_factor
        parameters = ParameterPredictor(
            parameter_count(channels),
            self.learned_factor,
            self.width,
            self.max_width,
            self.depth,
            self.padding_mode,
            self.norm,
            self.spectral,
            self.kernel_init,
            self.dtype,
            name="predictor",
        )(label if fixed == 1 else tent_downsample_label(label, fixed))

        def draw(seen: LabelMap, parameters: jax.Array) -> jax.Array:
            return pixelwise_mlp(seen, parameters, channels, self.tile_size, position=self.position_encoding)

        draw = jax.checkpoint(draw) if self.remat else draw
        return jnp.tanh(draw(seen, parameters)), parameters

    def _require_tiles(self, height: int, width: int) -> None:
        tile = self.tile_size
        if tile % self.learned_factor:
            raise UserError(
                f"tiles of {tile} pixels cannot be learned by a factor of {self.learned_factor}: "
                "set model.generator.learned_factor to a divisor of model.generator.tile_size"
            )
        if height % tile or width % tile:
            raise UserError(f"images of {height}x{width} are no whole number of tiles of {tile} pixels")


def _without_last(label: LabelMap, count: int) -> LabelMap:
    """The label map without its last channels: of the extra ones, or of the classes where there are none."""
    if count == 0:
        return label
    if label.extra is not None:
        left = label.extra.shape[-1] - count
        return label.replace(extra=label.extra[..., :left] if left else None)
    classes = label.num_classes - count
    return label.replace(ids=label.ids[..., :classes] if label.is_dense else label.ids, num_classes=classes)


class AsapNet(SemanticSynthesis):
    """ASAP-Net (section 3), with SPADE's objective (section 3.4).

    The authors' code also has, off in their recipes, a distance of pixels (`l1`, `mse`), a penalty on the predicted
    parameters (`predicted_parameters`), and an image encoder whose code the generator ignores; that is left out here.
    With `data.pairing` the pictures batch["source"] are translated instead of label maps (their `no_one_hot`).
    """

    def networks(self) -> dict[str, nn.Module]:
        options = {**self.config.model.generator, "remat": self.config.remat, **self.layer_options}
        return {"generator": Generator(**options), "discriminator": self.discriminator()}

    def label_map(self, batch: Batch) -> LabelMap:
        """The label map, or the picture that is translated, with the instance channel where the config asks for it.

        Raises:
            UserError: no such instance channel.
        """
        kind, extra = self.config.model.instance_channel, None
        if kind not in INSTANCE_CHANNELS:
            raise UserError(f"model.instance_channel = {kind!r} is not known; choose {' or '.join(INSTANCE_CHANNELS)}")
        if self.config.data.use_instance:
            extra = INSTANCE_CHANNELS[kind](batch["instance"])
        if self.config.data.pairing:
            return LabelMap(batch["source"], extra, batch["source"].shape[-1])
        return LabelMap(batch["label"], extra, self.num_classes)

    def encode(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[None, Terms]:
        """Nothing: an image follows from its label map alone."""
        return None, {}

    def synthesize(self, nets: Nets, batch: Batch, style: None, rng: jax.Array) -> jax.Array:
        return nets.generator(self.label_map(batch))[0]

    def generator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        fake, parameters = nets.generator(self.label_map(batch))
        on_fake, on_real = self.discriminate(nets, batch, fake)
        loss, weights, image = self.config.loss, self.config.loss.weights, batch["image"]
        terms = {}
        if weights.adversarial:
            terms["adversarial"] = generator_loss(on_fake.logits, loss.adversarial)
        if weights.feature_matching:
            terms["feature_matching"] = feature_matching(on_fake.features, on_real.features)
        if weights.perceptual:
            terms["perceptual"] = perceptual(nets.vgg, fake, image, loss.vgg_layer_weights)
        if weights.l1:
            terms["l1"] = mean_absolute(fake, image)
        if weights.mse:
            terms["mse"] = jnp.square(fake - image).mean()
        if weights.predicted_parameters:
            # A sum over the whole batch, as in the authors' code.
            terms["predicted_parameters"] = jnp.square(parameters.astype(jnp.float32)).sum()
        return self.weigh(terms)

    def generate(self, nets: Nets, batch: Batch, rng: jax.Array) -> jax.Array:
        """Images of the batch's label maps; there is no other control."""
        return self.synthesize(nets, batch, None, rng)

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model.generator
        generator = predictor_names(model.learned_factor, model.depth, model.padding_mode, model.norm)
        return {"generator": generator, "discriminator": self.discriminator_names()}

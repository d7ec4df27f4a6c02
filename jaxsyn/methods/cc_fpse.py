"""CC-FPSE: predicted convolutions and a feature-pyramid discriminator (Liu et al., NeurIPS 2019, arXiv 1910.06809)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.methods.base import Batch, Rules
from jaxsyn.methods.nets import Nets
from jaxsyn.methods.semantic import Judgement
from jaxsyn.methods.spade import Spade, first_features
from jaxsyn.networks.conditional_block import ConditionalBlock
from jaxsyn.networks.fpse_discriminator import FPSEDiscriminator
from jaxsyn.networks.label_encoder import LabelEncoder
from jaxsyn.networks.spade_decoder import UPSAMPLINGS, decode, first_size, to_image

SMALLEST = 64


class Generator(nn.Module):
    """CC-FPSE's generator (figure 2): SPADE's decoder with blocks whose kernels are predicted from encoded labels.

    Attributes:
        start: height and width of the first feature map.
        width: channels of the block before the image and of the label features (`ngf`).
        upsampling: `normal` or, for Cityscapes, `more`: 5 or 6 doublings.
        norm: of the label encoder, as `NormedConv` takes it; the blocks have batch norm.
        hidden: channels of the predictors between the layout and what they predict.
        remat: whether a block's activations are recomputed in the backward pass instead of stored; see
            `ConditionalBlock` for what they are.
    """

    start: tuple[int, int]
    width: int = 64
    upsampling: str = "normal"
    norm: str = "syncbatch"
    hidden: int = 128
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, style: jax.Array | None = None) -> jax.Array:
        """Label map [B, H, W] and style [B, D] or None -> image [B, H, W, 3] in [-1, 1], float32."""
        block_type = nn.remat(ConditionalBlock) if self.remat else ConditionalBlock
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        doublings = UPSAMPLINGS[self.upsampling]
        encoded = LabelEncoder(self.width, doublings, self.norm, name="label_encoder", **common)(label)

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            return block_type(int(multiple * self.width), self.hidden, name=name, **common)(x, encoded)

        x = first_features(label, style, self.start, 16 * self.width, **common)
        return to_image(decode(x, block, self.upsampling), **common)


class CcFpse(Spade):
    """CC-FPSE (section 3): SPADE's objective and style encoder, with a generator and a discriminator of its own."""

    def networks(self) -> dict[str, nn.Module]:
        height, width = self.config.data.height, self.config.data.width
        if min(height, width) < SMALLEST:
            raise UserError(
                f"data.height x data.width = {height}x{width} must be at least {SMALLEST}x{SMALLEST}, which leaves "
                "the discriminator's coarsest features more than one pixel"
            )
        return super().networks()

    def generator(self) -> nn.Module:
        """The generator of `config.model.generator`."""
        model, data = self.config.model.generator, self.config.data
        start = first_size(data.height, data.width, model.upsampling)
        return Generator(start, **model, remat=self.config.remat, **self.layer_options)

    def discriminator(self) -> nn.Module:
        """The discriminator of `config.model.discriminator`."""
        return FPSEDiscriminator(**self.config.model.discriminator, **self.layer_options)

    def discriminate(self, nets: Nets, batch: Batch, fake: jax.Array) -> tuple[Judgement, Judgement]:
        """The discriminator on generated and on real images, in one pass with one set of weights."""
        judged = nets.discriminator(self.label_map(batch), (fake, batch["image"]))
        # Feature matching is the mean over the levels: each counts as a discriminator with one feature.
        on_fake, on_real = (Judgement(logits, [[level] for level in features]) for features, logits in judged)
        return on_fake, on_real

    def checkpoint_names(self) -> dict[str, Rules]:
        model = self.config.model
        generator = (
            (r"^label_encoder\.", ""),
            *_normed_conv_names(r"(label\w+)", model.generator.norm),
            (r"(gen_\w*weights\d)_(\d)\.", r"\1.\2."),
            (r"(conv_\d)_norm_layer\.", r"\1.norm_layer."),
            (r"mlp_shared\.", "mlp_shared.0."),
        )
        discriminator = _normed_conv_names(r"((?:enc|lat|final)\d)", model.discriminator.norm)
        return {"generator": generator, "discriminator": discriminator, "encoder": self.encoder_names()}


def _normed_conv_names(module: str, norm: str) -> Rules:
    # The authors' sequence of convolution and norm takes one more level of names.
    conv = r"\1.0." if norm == "none" else r"\1.0.0."
    return ((rf"^{module}\.conv\.", conv), (rf"^{module}\.norm\.", r"\1.0.1."))

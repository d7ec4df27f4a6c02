"""CLADE: SPADE with its modulation looked up by class (Tan et al., TPAMI 2021, arXiv 2012.04644).

Frame, discriminator, encoder and objective are SPADE's. With `data.use_positions` it is CLADE-ICPE (section 3.4), which
scales what was looked up by the pixel's offset from its region's centre. The authors' released code is followed where
the text leaves a choice: instance edges, where used, join every normalised feature map as one more channel.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.errors import UserError
from jaxsyn.layers import CLADE, PositionedLabels
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.methods.base import Batch, Rules
from jaxsyn.methods.spade import Spade, first_features
from jaxsyn.networks.spade_decoder import SpadeBlock, decode, first_size, to_image


class Generator(nn.Module):
    """SPADE's generator with CLADE layers: from the tiny label map, or a style, to the image.

    Attributes:
        start: height and width of the first feature map.
        width: channels of the block before the image (`ngf`); 16 times that at the start.
        upsampling: `normal`, `more` or `most`: 5, 6 or 7 doublings.
        norm: of the CLADE layers.
        spectral: spectral normalisation of the blocks' own convolutions.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    start: tuple[int, int]
    width: int = 64
    upsampling: str = "normal"
    norm: str = "syncbatch"
    spectral: bool = True
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, labels: PositionedLabels, style: jax.Array | None = None) -> jax.Array:
        """Labels [B, H, W] and style [B, D] or None -> image [B, H, W, 3] in [-1, 1], float32."""
        block_type = nn.remat(SpadeBlock) if self.remat else SpadeBlock
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        norm = partial(CLADE, self.norm, **common)

        def block(x: jax.Array, multiple: float, name: str) -> jax.Array:
            return block_type(int(multiple * self.width), norm, self.spectral, name=name, **common)(x, labels)

        x = first_features(labels.label, style, self.start, 16 * self.width, **common)
        return to_image(decode(x, block, self.upsampling), **common)


class Clade(Spade):
    """CLADE (section 3.3) or, with `config.data.use_positions`, CLADE-ICPE; with or without the style encoder."""

    def generator(self) -> nn.Module:
        model, data = self.config.model, self.config.data
        start = first_size(data.height, data.width, model.generator.upsampling)
        return Generator(start, **model.generator, remat=self.config.remat, **self.layer_options)

    def layout(self, batch: Batch) -> PositionedLabels:
        """The label map with its position map, where the config uses one.

        Raises:
            UserError: the batch lacks it.
        """
        if not self.config.data.use_positions:
            return PositionedLabels(self.label_map(batch))
        if "position" not in batch:
            raise UserError(
                "the batch has no position map, which data.use_positions=True conditions on: add batch['position'] "
                "[B, H, W, 2], as jaxsyn.data.position_map makes it of a label map"
            )
        return PositionedLabels(self.label_map(batch), batch["position"])

    def checkpoint_names(self) -> dict[str, Rules]:
        return {"generator": (), "discriminator": self.discriminator_names(), "encoder": self.encoder_names()}

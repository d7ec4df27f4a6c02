"""CC-FPSE's discriminator: feature pyramid and semantics embedding (Liu et al., NeurIPS 2019, section 3.2)."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxsyn.layers import Conv, LabelMap, average_pool, resize_bilinear
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.windows import windows
from jaxsyn.networks.normed_conv import NormedConv

# Pixels along a cell of the finest score map.
FINEST = 4


class FPSEDiscriminator(nn.Module):
    """Scores of patches at 1/4, 1/8 and 1/16 of an image's size.

    A score adds "looks real", from the image alone, and the inner product of an embedding of the patch's features with
    one of its labels. The label embedding is a 1x1 convolution, which commutes with the pooling to the score's size:
    so the labels are pooled, and the embedding never exists at full size.

    Attributes:
        width: channels after the first convolution (`ndf`).
        norm: of `NormedConv`.
    """

    width: int = 64
    norm: str = "instance"
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, images: Sequence[jax.Array]) -> list[tuple[list[jax.Array], list[jax.Array]]]:
        """
        Args:
            label: [B, H, W], H and W multiples of 32 and at least 64: the coarsest features of smaller images are
                single pixels, of which instance normalisation leaves nothing.
            images: one or more batches [B, H, W, 3] for the same label maps: generated and real ones, say.

        Returns:
            For each batch the features at 1/4 to 1/32 of the size, which feature matching compares, and the logits
            [B, h, w, 1] from the finest to the coarsest, float32.
        """
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        options = {"norm": self.norm, **common}
        levels = [list(images)]
        for i, multiple in enumerate((1, 2, 4, 8, 8), start=1):
            levels.append(NormedConv(multiple * self.width, stride=2, name=f"enc{i}", **options)(*levels[-1]))
        tops = {5: NormedConv(4 * self.width, 1, name="lat5", **options)(*levels[5])}
        for i in (4, 3, 2):
            lateral = NormedConv(4 * self.width, 1, name=f"lat{i}", **options)(*levels[i])
            tops[i] = [_double(above) + beside for above, beside in zip(tops[i + 1], lateral, strict=True)]

        embedding, seg = (Conv(2 * self.width, 1, name=name, **common) for name in ("embedding", "seg"))
        looks_real = Conv(1, 1, name="tf", **common)
        embedded = embedding(cell_shares(label, FINEST).dense(self.dtype))
        logits = []
        for i in (2, 3, 4):
            finals = NormedConv(2 * self.width, name=f"final{i}", **options)(*tops[i])
            embedded = embedded if i == 2 else average_pool(embedded, window=2, stride=2, padding=0)
            logits.append([_score(looks_real(x), seg(x), embedded) for x in finals])
        return [([level[k] for level in levels[2:]], [scale[k] for scale in logits]) for k in range(len(images))]


def cell_shares(label: LabelMap, size: int) -> LabelMap:
    """The soft map [B, H / size, W / size, N] of the share that each class has in cells of size x size pixels."""
    extra = None if label.extra is None else average_pool(label.extra, window=size, stride=size, padding=0)
    if label.is_dense:
        return label.replace(ids=average_pool(label.ids, window=size, stride=size, padding=0), extra=extra)
    taps = windows(label.ids, size, stride=size)
    shares = sum(jax.nn.one_hot(tap, label.num_classes) for tap in taps) / len(taps)
    return label.replace(ids=shares, extra=extra)


def _double(x: jax.Array) -> jax.Array:
    return resize_bilinear(x, 2 * x.shape[1], 2 * x.shape[2])


def _score(looks_real: jax.Array, features: jax.Array, embedded: jax.Array) -> jax.Array:
    matches = (features.astype(jnp.float32) * embedded.astype(jnp.float32)).sum(-1, keepdims=True)
    return looks_real.astype(jnp.float32) + matches

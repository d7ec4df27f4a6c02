"""SqueezeNet 1.1 (Iandola et al., arXiv 1602.07360), layers numbered as in torchvision's `features`."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.pooling import max_pool_ceil

# Flax path -> name in torchvision's checkpoint.
TORCH_RULES = ((r"(features|classifier)_(\d+)", r"\1.\2"),)

# Fire modules: index -> channels of the squeeze layer and of each expand layer.
FIRES = {
    3: (16, 64),
    4: (16, 64),
    6: (32, 128),
    7: (32, 128),
    9: (48, 192),
    10: (48, 192),
    11: (64, 256),
    12: (64, 256),
}
POOLS = (2, 5, 8)


class Fire(nn.Module):
    """A 1x1 bottleneck, then 1x1 and 3x3 convolutions side by side: [B, H, W, c] -> [B, H, W, 2 * expand]."""

    squeeze: int
    expand: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = nn.relu(nn.Conv(self.squeeze, (1, 1), name="squeeze")(x))
        narrow = nn.Conv(self.expand, (1, 1), name="expand1x1")(x)
        wide = nn.Conv(self.expand, (3, 3), padding=1, name="expand3x3")(x)
        return nn.relu(jnp.concatenate([narrow, wide], axis=-1))


class SqueezeNet(nn.Module):
    """taps: indices into torchvision's `features`; the default are those of LPIPS.

    num_classes: if given, the classifier is built as well and its logits follow the taps.
    """

    taps: tuple[int, ...] = (1, 4, 7, 9, 10, 11, 12)
    num_classes: int | None = None

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, ...]:
        """images [B, H, W, 3], already normalised as the weights ask -> one [B, h, w, c] a tap (then logits [B, K])."""
        x = nn.relu(nn.Conv(64, (3, 3), (2, 2), "VALID", name="features_0")(images))
        found = {1: x}
        for index in range(2, 13):
            x = max_pool_ceil(x) if index in POOLS else Fire(*FIRES[index], name=f"features_{index}")(x)
            found[index] = x
        outputs = tuple(found[tap] for tap in self.taps)
        if self.num_classes is None:
            return outputs
        return *outputs, nn.relu(nn.Conv(self.num_classes, (1, 1), name="classifier_1")(x)).mean((1, 2))

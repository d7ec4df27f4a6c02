"""AlexNet (Krizhevsky, arXiv 1404.5997), layers numbered as in torchvision's `features`."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.resample import area_axis, resample

# Flax path -> name in torchvision's checkpoint.
TORCH_RULES = ((r"(features|classifier)_(\d+)", r"\1.\2"),)


class AlexNet(nn.Module):
    """The convolutions of AlexNet; taps are indices into torchvision's `features` (a ReLU or a pool).

    taps: layers to return, in this order; the default are those of LPIPS.
    num_classes: if given, the classifier is built as well and its logits follow the taps.
    """

    taps: tuple[int, ...] = (1, 4, 7, 9, 11)
    num_classes: int | None = None

    @nn.compact
    def __call__(self, images: jax.Array) -> tuple[jax.Array, ...]:
        """images [B, H, W, 3], already normalised as the weights ask -> one [B, h, w, c] a tap (then logits [B, K])."""
        found, x = {}, images
        for index, width, window, stride, padding, pooled in (
            (0, 64, 11, 4, 2, True),
            (3, 192, 5, 1, 2, True),
            (6, 384, 3, 1, 1, False),
            (8, 256, 3, 1, 1, False),
            (10, 256, 3, 1, 1, True),
        ):
            conv = nn.Conv(width, (window, window), (stride, stride), padding, name=f"features_{index}")
            x = found[index + 1] = nn.relu(conv(x))
            if pooled:
                x = found[index + 2] = nn.max_pool(x, (3, 3), (2, 2))
        outputs = tuple(found[tap] for tap in self.taps)
        return outputs if self.num_classes is None else (*outputs, self._classify(x))

    def _classify(self, x: jax.Array) -> jax.Array:
        x = resample(x, 6, 6, area_axis)
        x = jnp.moveaxis(x, -1, 1).reshape(len(x), -1)  # the checkpoint flattens channel, row, column
        x = nn.relu(nn.Dense(4096, name="classifier_1")(x))
        x = nn.relu(nn.Dense(4096, name="classifier_4")(x))
        return nn.Dense(self.num_classes, name="classifier_6")(x)

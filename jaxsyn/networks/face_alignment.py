"""The face alignment network of AdaptiveWingLoss (Wang et al., ICCV 2019), which StarGAN v2 takes its masks from."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxsyn.layers import Conv, average_pool, resize_bilinear, upsample_nearest
from jaxsyn.layers.landmark_masks import NUM_LANDMARKS, SIZE
from jaxsyn.layers.normalization import normalize

DEPTH, WIDTH = 4, 256


class StoredNorm(nn.Module):
    """Batch norm by given statistics. They are parameters here, like the scale: nothing of a frozen network changes."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        shape, ones, zeros = (x.shape[-1],), nn.initializers.ones, nn.initializers.zeros
        y = normalize(x, self.param("mean", zeros, shape), self.param("var", ones, shape), 1e-5)
        return (y * self.param("scale", ones, shape) + self.param("bias", zeros, shape)).astype(self.dtype)


class ConvBlock(nn.Module):
    """Three 3x3 convolutions, each on the one before, side by side, and a shortcut: [B, H, W, C] -> [..., features]."""

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        def step(y: jax.Array, norm: str, conv: str, features: int, kernel_size: int = 3) -> jax.Array:
            y = nn.relu(StoredNorm(dtype=self.dtype, name=norm)(y))
            return Conv(features, kernel_size, use_bias=False, dtype=self.dtype, name=conv)(y)

        y1 = step(x, "bn1", "conv1", self.features // 2)
        y2 = step(y1, "bn2", "conv2", self.features // 4)
        y3 = step(y2, "bn3", "conv3", self.features // 4)
        if x.shape[-1] != self.features:
            x = step(x, "downsample_0", "downsample_2", self.features, 1)
        return jnp.concatenate([y1, y2, y3], axis=-1) + x


class FaceAlignment(nn.Module):
    """One hourglass on features of 64 pixels; the defaults of the authors of StarGAN v2."""

    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> jax.Array:
        """Faces [B, H, W, 3] in [-1, 1] -> heat maps of their landmarks [B, 64, 64, 98], about [0, 1], float32."""
        x = resize_bilinear(image, SIZE, SIZE) * 0.5 + 0.5
        x = Conv(64, 7, stride=2, dtype=self.dtype, name="conv1")(with_coordinates(x))
        x = nn.relu(StoredNorm(dtype=self.dtype, name="bn1")(x))
        x = _halve(self._block(128, "conv2")(x))
        x = self._block(WIDTH, "conv4")(self._block(128, "conv3")(x))
        x = Conv(WIDTH, 1, dtype=self.dtype, name="m0_coordconv")(with_coordinates(x))
        x = self._block(WIDTH, "top_m_0")(self._hourglass(x, DEPTH))
        x = Conv(WIDTH, 1, dtype=self.dtype, name="conv_last0")(x)
        x = nn.relu(StoredNorm(dtype=self.dtype, name="bn_end0")(x))
        # The last channel is the face's boundary.
        return Conv(NUM_LANDMARKS + 1, 1, dtype=self.dtype, name="l0")(x)[..., :-1].astype(jnp.float32)

    def _block(self, features: int, name: str) -> ConvBlock:
        return ConvBlock(features, self.dtype, name=name)

    def _hourglass(self, x: jax.Array, level: int) -> jax.Array:
        beside = self._block(WIDTH, f"m0_b1_{level}")(x)
        y = self._block(WIDTH, f"m0_b2_{level}")(_halve(x))
        y = self._hourglass(y, level - 1) if level > 1 else self._block(WIDTH, "m0_b2_plus_1")(y)
        return beside + upsample_nearest(self._block(WIDTH, f"m0_b3_{level}")(y))


def with_coordinates(x: jax.Array) -> jax.Array:
    """CoordConv's channels after those of x [B, H, W, C]: row and column in [-1, 1], distance from the centre."""
    rows, columns = np.meshgrid(*(np.linspace(-1, 1, length) for length in x.shape[1:3]), indexing="ij")
    distance = np.hypot(rows, columns)
    coordinates = np.stack([rows, columns, distance / distance.max()], axis=-1)
    added = jnp.broadcast_to(jnp.asarray(coordinates, x.dtype), (x.shape[0], *coordinates.shape))
    return jnp.concatenate([x, added], axis=-1)


def _halve(x: jax.Array) -> jax.Array:
    return average_pool(x, window=2, stride=2, padding=0)


# Renamings to the authors' PyTorch module.
FACE_ALIGNMENT_NAMES = (
    (r"\bdownsample_(\d)\.", r"downsample.\1."),
    (r"^conv1\.(kernel|weight|bias)", r"conv1.conv.\1"),
    (r"^m0_coordconv\.", "m0.coordconv.conv."),
    (r"^m0_", "m0."),
    (r"\.(mean|var)$", r".running_\1"),
)

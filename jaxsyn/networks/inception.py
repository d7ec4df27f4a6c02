"""Inception v3 (Szegedy et al., CVPR 2016, arXiv 1512.00567), of the Frechet distance and of torchvision.

Submodules carry the names of the public checkpoints, so importing one needs no rules.
"""

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

SIZE = 299
Window = tuple[int, int]


class ConvNorm(nn.Module):
    """Convolution without bias, batch norm by stored statistics, ReLU."""

    width: int
    window: Window = (1, 1)
    stride: int = 1
    padding: Window = (0, 0)

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        pads = [(side, side) for side in self.padding]
        x = nn.Conv(self.width, self.window, (self.stride, self.stride), pads, use_bias=False, name="conv")(x)
        return nn.relu(nn.BatchNorm(use_running_average=True, epsilon=1e-3, name="bn")(x))


class BlockA(nn.Module):
    """35x35 block."""

    pool_width: int
    count_padding: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        narrow = ConvNorm(64, name="branch1x1")(x)
        five = ConvNorm(48, name="branch5x5_1")(x)
        five = ConvNorm(64, (5, 5), padding=(2, 2), name="branch5x5_2")(five)
        double = ConvNorm(64, name="branch3x3dbl_1")(x)
        double = ConvNorm(96, (3, 3), padding=(1, 1), name="branch3x3dbl_2")(double)
        double = ConvNorm(96, (3, 3), padding=(1, 1), name="branch3x3dbl_3")(double)
        pooled = ConvNorm(self.pool_width, name="branch_pool")(_average(x, self.count_padding))
        return jnp.concatenate([narrow, five, double, pooled], axis=-1)


class BlockB(nn.Module):
    """35x35 to 17x17."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        three = ConvNorm(384, (3, 3), 2, name="branch3x3")(x)
        double = ConvNorm(64, name="branch3x3dbl_1")(x)
        double = ConvNorm(96, (3, 3), padding=(1, 1), name="branch3x3dbl_2")(double)
        double = ConvNorm(96, (3, 3), 2, name="branch3x3dbl_3")(double)
        return jnp.concatenate([three, double, nn.max_pool(x, (3, 3), (2, 2))], axis=-1)


class BlockC(nn.Module):
    """17x17 block of factorised 7x7 convolutions."""

    width: int
    count_padding: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        row, column = partial(ConvNorm, window=(1, 7), padding=(0, 3)), partial(ConvNorm, window=(7, 1), padding=(3, 0))
        narrow = ConvNorm(192, name="branch1x1")(x)
        seven = ConvNorm(self.width, name="branch7x7_1")(x)
        seven = row(self.width, name="branch7x7_2")(seven)
        seven = column(192, name="branch7x7_3")(seven)
        double = ConvNorm(self.width, name="branch7x7dbl_1")(x)
        double = column(self.width, name="branch7x7dbl_2")(double)
        double = row(self.width, name="branch7x7dbl_3")(double)
        double = column(self.width, name="branch7x7dbl_4")(double)
        double = row(192, name="branch7x7dbl_5")(double)
        pooled = ConvNorm(192, name="branch_pool")(_average(x, self.count_padding))
        return jnp.concatenate([narrow, seven, double, pooled], axis=-1)


class BlockD(nn.Module):
    """17x17 to 8x8."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        three = ConvNorm(192, name="branch3x3_1")(x)
        three = ConvNorm(320, (3, 3), 2, name="branch3x3_2")(three)
        seven = ConvNorm(192, name="branch7x7x3_1")(x)
        seven = ConvNorm(192, (1, 7), padding=(0, 3), name="branch7x7x3_2")(seven)
        seven = ConvNorm(192, (7, 1), padding=(3, 0), name="branch7x7x3_3")(seven)
        seven = ConvNorm(192, (3, 3), 2, name="branch7x7x3_4")(seven)
        return jnp.concatenate([three, seven, nn.max_pool(x, (3, 3), (2, 2))], axis=-1)


class BlockE(nn.Module):
    """8x8 block whose 3x3 convolutions are split into a row and a column side by side."""

    count_padding: bool
    max_pool: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        narrow = ConvNorm(320, name="branch1x1")(x)
        three = self._split(ConvNorm(384, name="branch3x3_1")(x), "branch3x3_2")
        double = ConvNorm(448, name="branch3x3dbl_1")(x)
        double = self._split(ConvNorm(384, (3, 3), padding=(1, 1), name="branch3x3dbl_2")(double), "branch3x3dbl_3")
        if self.max_pool:
            pooled = nn.max_pool(x, (3, 3), (1, 1), padding=((1, 1), (1, 1)))
        else:
            pooled = _average(x, self.count_padding)
        pooled = ConvNorm(192, name="branch_pool")(pooled)
        return jnp.concatenate([narrow, three, double, pooled], axis=-1)

    def _split(self, x: jax.Array, name: str) -> jax.Array:
        row = ConvNorm(384, (1, 3), padding=(0, 1), name=name + "a")(x)
        return jnp.concatenate([row, ConvNorm(384, (3, 1), padding=(1, 0), name=name + "b")(x)], axis=-1)


class InceptionV3(nn.Module):
    """The trunk and the classifier, without the auxiliary head.

    count_padding: whether the averages inside blocks count the zeros of the padding.
    last_pool_is_max: whether the last block pools by maximum.
    """

    num_classes: int
    count_padding: bool
    last_pool_is_max: bool

    @nn.compact
    def __call__(self, images: jax.Array) -> dict[str, jax.Array]:
        """Features of images [B, 299, 299, 3], already resized and normalised (see `jaxsyn.evaluation.inception`).

        Returns "64", "192", "768", "2048": spatial means [B, C] of the maps of that depth; "logits" [B, K], and
        "logits_unbiased" without the classifier's bias, which the Inception Score takes. Under jit what is not used
        is not computed.
        """
        block_a, block_c = (
            partial(BlockA, count_padding=self.count_padding),
            partial(BlockC, count_padding=self.count_padding),
        )
        x = ConvNorm(32, (3, 3), 2, name="Conv2d_1a_3x3")(images)
        x = ConvNorm(32, (3, 3), name="Conv2d_2a_3x3")(x)
        x = ConvNorm(64, (3, 3), padding=(1, 1), name="Conv2d_2b_3x3")(x)
        first = x = nn.max_pool(x, (3, 3), (2, 2))
        x = ConvNorm(80, name="Conv2d_3b_1x1")(x)
        x = ConvNorm(192, (3, 3), name="Conv2d_4a_3x3")(x)
        second = x = nn.max_pool(x, (3, 3), (2, 2))
        for name, pool_width in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            x = block_a(pool_width, name=name)(x)
        x = BlockB(name="Mixed_6a")(x)
        for name, width in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            x = block_c(width, name=name)(x)
        third = x
        x = BlockD(name="Mixed_7a")(x)
        x = BlockE(self.count_padding, name="Mixed_7b")(x)
        x = BlockE(self.count_padding, self.last_pool_is_max, name="Mixed_7c")(x)
        features = {str(tap.shape[-1]): tap.mean((1, 2)) for tap in (first, second, third, x)}
        classifier = nn.Dense(self.num_classes, name="fc")
        logits = classifier(features["2048"])
        return {**features, "logits_unbiased": logits - classifier.variables["params"]["bias"], "logits": logits}


# The network of the original Frechet distance, in torch as pt_inception-2015-12-05.
FIDInception = partial(InceptionV3, num_classes=1008, count_padding=False, last_pool_is_max=True)
# torchvision's ImageNet network, of StarGAN v2 and imaginaire.
TorchvisionInception = partial(InceptionV3, num_classes=1000, count_padding=True, last_pool_is_max=False)


def _average(x: jax.Array, count_padding: bool) -> jax.Array:
    return nn.avg_pool(x, (3, 3), (1, 1), padding=((1, 1), (1, 1)), count_include_pad=count_padding)

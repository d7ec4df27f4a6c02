"""NICE-GAN's discriminator, whose first layers are the encoder of its domain."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import ClassActivation, Conv, attend, mean_and_max
from jaxsyn.layers.initializers import DEFAULT, Initializer

NUM_DEEPER = 2  # halvings of the global head beyond the local one's
NUM_LAST = 2  # convolutions of a head without stride, the last one not counted in its layers


class Judgement(NamedTuple):
    """What the discriminator says of images.

    Attributes:
        logits: of the heads `global` and `local`, maps [B, h, w, 1], and of the class activation, `cam` [B, 1].
        code: [B, H / 2**n, W / 2**n, width * 2**(n - 1)] for n down-samplings, what generators read.
    """

    logits: dict[str, jax.Array]
    code: jax.Array


class NiceEncoder(nn.Module):
    """The shared front: image [B, H, W, C] -> the code of `Judgement`, and the logit [B, 1] of its attention.

    The features pass through residual attention: channels are weighed by how they classify real and generated images,
    and the outcome is added by a learned share that begins at zero (section 3.2).
    """

    width: int = 64
    num_downsamplings: int = 2
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array) -> tuple[jax.Array, jax.Array]:
        common, x = {"kernel_init": self.kernel_init, "dtype": self.dtype}, image
        for i in range(self.num_downsamplings):
            x = _halve(self.width * 2**i, name=f"conv_{i}", **common)(x)
            x = nn.leaky_relu(x, 0.2)
        logit, weights = ClassActivation(name="classifier", **common)(jnp.concatenate(mean_and_max(x), axis=-1))
        attended = attend(Conv(x.shape[-1], kernel_size=1, name="attention", **common), x, weights)
        share = self.param("attention_share", nn.initializers.zeros, (1,))
        return nn.leaky_relu(x + share.astype(self.dtype) * attended, 0.2), logit


class NiceHeads(nn.Module):
    """The back: code -> logits of the local head and of the global one, which goes on from the local one's features.

    Attributes:
        num_downs: halvings before the heads part.
    """

    num_downs: int = 1
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, code: jax.Array) -> tuple[jax.Array, jax.Array]:
        options = {"kernel_init": self.kernel_init, "dtype": self.dtype}

        def halved(x: jax.Array, name: str) -> jax.Array:
            return nn.leaky_relu(_halve(2 * x.shape[-1], name=name, **options)(x), 0.2)

        def logits(x: jax.Array, name: str) -> jax.Array:
            x = nn.leaky_relu(_conv(2 * x.shape[-1], name=f"{name}_conv", **options)(x), 0.2)
            return _conv(1, use_bias=False, name=f"{name}_logits", **options)(x)

        x = code
        for i in range(self.num_downs):
            x = halved(x, f"down_{i}")
        local = logits(x, "local")
        for i in range(NUM_DEEPER):
            x = halved(x, f"deeper_{i}")
        return local, logits(x, "global")


class NiceDiscriminator(nn.Module):
    """The discriminator of NICE-GAN (Chen et al., CVPR 2020, section 3.2): an encoder and two heads, no normalisation.

    Image [B, H, W, C] -> `Judgement`. All convolutions but the attention's have spectral norm. With seven layers the
    heads see patches of 70 and 286 pixels, and images have 96 pixels at least; with six, 48.

    Attributes:
        width: channels after the first convolution, doubled by each further one but the last of a head.
        num_downsamplings: of the encoder; the paper's 2, or 1 to keep the detail of small pictures.
        num_layers: convolutions of the global head before its last, with the encoder's; so many as to hold these, or
            more.
    """

    width: int = 64
    num_downsamplings: int = 2
    num_layers: int = 7
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    def setup(self) -> None:
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        self.encoder = NiceEncoder(self.width, self.num_downsamplings, **common)
        self.heads = NiceHeads(max(self.num_layers - fewest_layers(self.num_downsamplings), 0), **common)

    def encode(self, image: jax.Array) -> jax.Array:
        """The code alone, of images of any size that the down-samplings divide."""
        return self.encoder(image)[0]

    def __call__(self, image: jax.Array) -> Judgement:
        """
        Raises:
            UserError: too few layers, or images too small for so many.
        """
        height, width = image.shape[1:3]
        smallest, fewest = 3 * 2 ** (self.num_layers - NUM_LAST), fewest_layers(self.num_downsamplings)
        if self.num_layers < fewest:
            raise UserError(f"model.discriminator.num_layers = {self.num_layers}: set {fewest} or more")
        if min(height, width) < smallest:
            raise UserError(
                f"images of {height}x{width}: a discriminator of {self.num_layers} layers needs {smallest} pixels; set "
                "larger data.height and data.width, or fewer model.discriminator.num_layers"
            )
        code, cam = self.encoder(image)
        local, wide = self.heads(code)
        return Judgement({"global": wide, "local": local, "cam": cam}, code)


def fewest_layers(num_downsamplings: int) -> int:
    """Convolutions of the global head before its last, with the encoder's, where the heads part at the code."""
    return num_downsamplings + NUM_DEEPER + NUM_LAST


def _halve(features: int, **options: Any) -> Conv:
    return _conv(features, stride=2, **options)


def _conv(features: int, **options: Any) -> Conv:
    return Conv(features, kernel_size=4, padding=1, padding_mode="reflect", spectral=True, **options)


def nice_discriminator_names(num_downsamplings: int, num_layers: int) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch module, whose sequences count paddings and activations too."""
    rules = [
        (r"^encoder\.classifier\.", "fc."),
        (r"^encoder\.attention\.", "conv1x1."),
        (r"^encoder\.attention_share$", "lamda"),
        (r"^heads\.local_conv\.", "Dis0_1.1."),
        (r"^heads\.local_logits\.", "conv0."),
        (r"^heads\.global_conv\.", "Dis1_1.1."),
        (r"^heads\.global_logits\.", "conv1."),
    ]
    sequences = (
        (r"encoder\.conv", "model", num_downsamplings),
        (r"heads\.down", "Dis0_0", num_layers - fewest_layers(num_downsamplings)),
        (r"heads\.deeper", "Dis1_0", NUM_DEEPER),
    )
    for ours, theirs, length in sequences:
        rules += [(rf"^{ours}_{i}\.", f"{theirs}.{3 * i + 1}.") for i in range(length)]
    return tuple(rules)

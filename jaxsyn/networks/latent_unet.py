"""BicycleGAN's U-Net: an image and a latent code to an image."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, ConvTranspose, Dropout, resize_bilinear
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.plain_norm import plain_norm
from jaxsyn.networks.unet_generator import Down, check_halvings, drops, level_widths

ACTIVATIONS = {"relu": nn.relu, "leaky_relu": partial(nn.leaky_relu, negative_slope=0.2), "elu": nn.elu}
LATENT_LEVELS, UPSAMPLINGS = ("all", "first"), ("transposed", "bilinear")


class Up(nn.Module):
    """Activation, convolution to twice the size, norm, dropout: [B, H, W, I] -> [B, 2 * H, 2 * W, features]."""

    features: int
    norm: str
    activation: str
    upsampling: str
    dropout: bool
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        options = {"kernel_init": self.kernel_init, "dtype": self.dtype, "name": "conv"}
        x = ACTIVATIONS[self.activation](x)
        if self.upsampling == "bilinear":
            x = resize_bilinear(x, 2 * x.shape[1], 2 * x.shape[2])
            x = Conv(self.features, padding_mode="reflect", **options)(x)
        else:
            x = ConvTranspose(self.features, kernel_size=4, output_padding=0, **options)(x)
        x = plain_norm(x, self.norm, dtype=self.dtype, name="norm")
        return Dropout(name="dropout")(x) if self.dropout else x


class LatentUnet(nn.Module):
    """The generator of BicycleGAN (Zhu et al., NIPS 2017, section 4) as the authors' code has it.

    Image [B, H, W, C] and latent code [B, Z] -> image [B, H, W, out_channels] in [-1, 1], float32; H and W multiples of
    2**num_downs. Beside pix2pix's U-Net every convolution has a bias, and the decoder's channels stand before the
    skip's. The code is spread over the map and concatenated behind the features, before the leaky ReLU.

    Attributes:
        num_downs: halvings: 7 for 128 pixels, 8 for 256; at least 5.
        width: channels at half the size, doubled level by level up to eightfold.
        norm: `instance`, `batch` or `none`.
        activation: on the way up: `relu`, `leaky_relu` or `elu`.
        latent_levels: where the code comes in: `all` down convolutions or the `first`, beside the image.
        upsampling: `transposed` convolutions, or `bilinear` with a 3x3 convolution behind it.
        dropout: whether the middle levels (num_downs - 5 of them) end with dropout.
        remat: whether a level's activations are recomputed in the backward pass instead of stored.
    """

    num_downs: int = 8
    width: int = 64
    norm: str = "instance"
    activation: str = "relu"
    latent_levels: str = "all"
    upsampling: str = "transposed"
    dropout: bool = True
    out_channels: int = 3
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, latent: jax.Array | None = None) -> jax.Array:
        """
        Args:
            latent: None for a U-Net without a code.

        Raises:
            UserError: fewer than five halvings, a size that cannot be halved so often, or an unknown option.
        """
        check_halvings(self.num_downs, *image.shape[1:3])
        self._check_options()
        down_type, up_type = (nn.remat(kind) if self.remat else kind for kind in (Down, Up))
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        innermost, widths = self.num_downs - 1, level_widths(self.num_downs, self.width)
        x, skips = image, []
        for level, features in enumerate(widths):
            with_latent = latent is not None and (level == 0 or self.latent_levels == "all")
            if level:
                # The authors' leaky ReLU works in place, and so on the skip too where no concatenation made a copy.
                skips.append(x if with_latent else nn.leaky_relu(x, 0.2))
            x = _with_latent(x, latent) if with_latent else x
            x = nn.leaky_relu(x, 0.2) if level else x
            norm = "none" if level in (0, innermost) else self.norm
            x = down_type(features, norm, use_bias=True, name=f"down_{level}", **common)(x)
        for level in range(innermost, -1, -1):
            features, norm = (widths[level - 1], self.norm) if level else (self.out_channels, "none")
            dropout = self.dropout and drops(level, self.num_downs)
            shape = (features, norm, self.activation, self.upsampling, dropout)
            x = up_type(*shape, name=f"up_{level}", **common)(x)
            x = jnp.concatenate([x, skips.pop()], axis=-1) if level else x
        return jnp.tanh(x.astype(jnp.float32))

    def _check_options(self) -> None:
        known_options = {"activation": ACTIVATIONS, "latent_levels": LATENT_LEVELS, "upsampling": UPSAMPLINGS}
        for name, known in known_options.items():
            if (value := getattr(self, name)) not in known:
                raise UserError(f"{name} = {value!r} is not known; choose one of {', '.join(known)}")


def _with_latent(x: jax.Array, latent: jax.Array) -> jax.Array:
    """concat(x, code) with the code at every pixel: [B, H, W, C] and [B, Z] -> [B, H, W, C + Z]."""
    spread = jnp.broadcast_to(latent[:, None, None], (*x.shape[:3], latent.shape[-1]))
    return jnp.concatenate([x, spread.astype(x.dtype)], axis=-1)


def latent_unet_names(num_downs: int, norm: str, latent_levels: str, upsampling: str) -> tuple[tuple[str, str], ...]:
    """Renamings to the authors' PyTorch modules, which hold each level inside the one above it."""
    normed, rules = norm != "none", []
    for level in range(num_downs):
        conv, outer = (1, False) if level else (0, True)
        if latent_levels == "all":
            level_name = "model" + ".submodule" * level
            down, up, activation = f"{level_name}.down", f"{level_name}.up", 0
        else:
            # One sequence a level: leaky ReLU, convolution, norm, the level inside, and the way up.
            inner = f".model.{2 + normed}"
            down = up = "model.model" if outer else f"model.model.1{inner * (level - 1)}.model"
            activation = 2 if outer or level == num_downs - 1 else 3 + normed
        up_conv = activation + (3 if upsampling == "bilinear" else 1)
        for ours, theirs, place in (("down", down, conv), ("up", up, up_conv)):
            rules += [(rf"^{ours}_{level}\.conv", f"{theirs}.{place}")]
            rules += [(rf"^{ours}_{level}\.norm", f"{theirs}.{place + 1}")]
    return tuple(rules)

"""StarGAN v2's generator: an image in the style of a code."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.layers import Conv, InstanceNorm, resize_bilinear
from jaxsyn.layers.high_pass import HighPass
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.networks.restyling_blocks import BLOCK_NAMES, SLOPE, AdaptiveBlock, PreactivatedBlock

# Heights of the features that the high-pass skip passes on -> which of the two masks they take.
SKIPS = {32: 0, 64: 1, 128: 1}
NUM_MIDDLE_BLOCKS = 2


class RestylingGenerator(nn.Module):
    """Encoder with instance norm, decoder with AdaIN (Choi et al., CVPR 2020, appendix C, tables 5 and 6).

    Image [B, H, W, 3] and style code [B, D] -> image [B, H, W, 3], float32, about [-1, 1] but unbounded; H and W
    multiples of 2**num_downsamplings.

    Attributes:
        width: channels of the first convolution, doubled by every down-sampling up to `max_width`.
        high_pass: 0: none. Otherwise the weight of the high-pass skip, whose form has no shortcuts in its decoder.
        remat: whether a block's activations are recomputed in the backward pass instead of stored.
    """

    width: int = 64
    max_width: int = 512
    num_downsamplings: int = 4
    high_pass: float = 0.0
    remat: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: jax.Array, style: jax.Array, masks: jax.Array | None = None) -> jax.Array:
        """
        Args:
            masks: [B, M, M, 2] in [0, 1], where the high-pass skip passes features on, of 32 pixels by the first mask
                and of 64 and 128 by the second; images are square then. None: nowhere.

        Raises:
            UserError: the image's size does not fit.
        """
        height, width = image.shape[1:3]
        if height % 2**self.num_downsamplings or width % 2**self.num_downsamplings:
            raise UserError(
                f"images of {height}x{width}: this generator needs multiples of {2**self.num_downsamplings}"
            )
        if masks is not None and height != width:
            raise UserError(f"images of {height}x{width}: with masks this generator takes square images")
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        widths = [min(self.width * 2**i, self.max_width) for i in range(self.num_downsamplings + 1)]
        middle = [widths[-1]] * NUM_MIDDLE_BLOCKS
        encode, decode = (nn.remat(block) if self.remat else block for block in (PreactivatedBlock, AdaptiveBlock))
        high_pass = HighPass(self.high_pass, name="high_pass") if self.high_pass else None
        if high_pass and masks is None and self.is_initializing():
            high_pass(jnp.zeros((1, 1, 1, 1)))

        x, kept = Conv(self.width, name="from_rgb", **common)(image), {}
        for i, features in enumerate(widths[1:] + middle):
            kept[x.shape[1]] = x
            downsample = i < self.num_downsamplings
            x = encode(features, True, downsample, name=f"encode_{i}", **common)(x)
        for i, features in enumerate(middle + widths[-2::-1]):
            upsample = i >= NUM_MIDDLE_BLOCKS
            x = decode(features, upsample, not self.high_pass, name=f"decode_{i}", **common)(x, style)
            size = x.shape[1]
            if masks is not None and high_pass and size in SKIPS:
                mask = resize_bilinear(masks[..., SKIPS[size], None], size, size).astype(x.dtype)
                x = x + high_pass(mask * kept[size])
        x = nn.leaky_relu(InstanceNorm(affine=True, dtype=self.dtype, name="to_rgb_norm")(x), SLOPE)
        return Conv(3, kernel_size=1, name="to_rgb", **common)(x).astype(jnp.float32)


# Renamings to the authors' PyTorch module.
RESTYLING_NAMES = (
    *BLOCK_NAMES,
    (r"^(encode|decode)_(\d+)\.", r"\1.\2."),
    (r"^to_rgb_norm\.", "to_rgb.0."),
    (r"^to_rgb\.(?!0\.)", "to_rgb.2."),
    (r"^high_pass\.", "hpf."),
)

"""The residual bottleneck that the segmenters share (He et al., CVPR 2016, arXiv 1512.03385)."""

import jax
from flax import linen as nn

EXPANSION = 4


def stored_norm(name: str) -> nn.BatchNorm:
    """Batch norm by stored statistics."""
    return nn.BatchNorm(use_running_average=True, epsilon=1e-5, name=name)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions with norms, and a shortcut; the stride sits on the 3x3 convolution.

    project: whether the shortcut is a strided 1x1 convolution.
    """

    width: int
    stride: int = 1
    dilation: int = 1
    project: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, c] -> [B, H / stride, W / stride, 4 * width]."""
        strides, dilations = (self.stride, self.stride), (self.dilation, self.dilation)
        wide = EXPANSION * self.width
        y = nn.relu(stored_norm("bn1")(nn.Conv(self.width, (1, 1), use_bias=False, name="conv1")(x)))
        y = nn.Conv(
            self.width, (3, 3), strides, self.dilation, kernel_dilation=dilations, use_bias=False, name="conv2"
        )(y)
        y = nn.relu(stored_norm("bn2")(y))
        y = stored_norm("bn3")(nn.Conv(wide, (1, 1), use_bias=False, name="conv3")(y))
        if self.project:
            x = nn.Conv(wide, (1, 1), strides, use_bias=False, name="downsample_0")(x)
            x = stored_norm("downsample_1")(x)
        return nn.relu(x + y)

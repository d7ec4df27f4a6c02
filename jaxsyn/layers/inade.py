"""Instance-adaptive denormalisation: modulation drawn for each instance from a distribution of its class."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.convolution import Conv, Dense
from jaxsyn.layers.initializers import DEFAULT, Initializer
from jaxsyn.layers.label_conv import label_convolve
from jaxsyn.layers.label_map import LabelMap
from jaxsyn.layers.normalization import normalization
from jaxsyn.layers.resize import resize_nearest


@flax.struct.dataclass
class InstanceLayout:
    """A label map with its instances, and the noise that says how each of them looks.

    Attributes:
        label: class ids [B, H, W]; extra channels are left aside.
        instance: [B, H, W] instance numbers, 0 to I - 1.
        noise: [B, I, 2, Z]; of each instance a vector for its scales, then one for its shifts.
        sketch: [B, H, W, 1] line drawing, for layers that take one; or None.
    """

    label: LabelMap
    instance: jax.Array
    noise: jax.Array
    sketch: jax.Array | None = None

    def resize(self, height: int, width: int) -> "InstanceLayout":
        """The maps at another size, by nearest neighbour with torch's rule; the noise stays."""
        sketch = None if self.sketch is None else resize_nearest(self.sketch, height, width)
        instance = resize_nearest(self.instance, height, width)
        return self.replace(label=self.label.resize(height, width), instance=instance, sketch=sketch)


def paint_instances(instance: jax.Array, values: jax.Array) -> jax.Array:
    """Gives each pixel its instance's row of values.

    Args:
        instance: [B, H, W] instance numbers; one outside 0 to I - 1 gives zeros.
        values: [B, I, F], each sample's own.

    Returns:
        [B, H, W, F], in the dtype of the values.
    """

    def one(ids: jax.Array, table: jax.Array) -> jax.Array:
        return label_convolve(LabelMap(ids[None], None, len(table)), table[None, None])[0]

    return jax.vmap(one)(instance, values)


class INADE(nn.Module):
    """Instance-adaptive denormalisation (Tan et al., CVPR 2021, arXiv 2103.06878, section 3.2, equations 3 to 5).

    normalise(x) * scale + shift, both affine in the noise of the pixel's instance, which one linear layer takes to C
    channels: scale = weight[class, :, 0] * fc(noise_s) + bias[class, :, 0], the shift likewise with the second of each.
    [B, H, W, C] and a layout of any size, resized by nearest neighbour -> [B, H, W, C].

    Attributes:
        norm: the parameter-free normalisation: `batch`, `syncbatch` (the same under jit) or `instance`.
        sketch: whether the layout's sketch is merged in after it (the extension of TPAMI 2022).
    """

    norm: str = "batch"
    sketch: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, layout: InstanceLayout) -> jax.Array:
        channels = x.shape[-1]
        layout = layout.resize(x.shape[1], x.shape[2])
        common = {"kernel_init": self.kernel_init, "dtype": self.dtype}
        normalized = normalization(self.norm, dtype=self.dtype, name="param_free_norm")(x)

        shape = (layout.label.num_classes, channels, 2)
        weight = self.param("weight", nn.initializers.uniform(1.0), shape)
        bias = self.param("bias", nn.initializers.zeros, shape)
        # One look-up a pixel for all of a class, and one for all of an instance: scales, then shifts.
        table = jnp.concatenate([weight, bias], axis=1).transpose(0, 2, 1).reshape(shape[0], -1).astype(self.dtype)
        ids = LabelMap(layout.label.ids, None, shape[0])
        of_class = label_convolve(ids, table[None, None])
        slope_s, offset_s, slope_b, offset_b = jnp.split(of_class, 4, axis=-1)
        noise = Dense(channels, name="fc_noise", **common)(layout.noise)
        of_instance = paint_instances(layout.instance, noise.reshape(*noise.shape[:2], -1))
        noise_s, noise_b = jnp.split(of_instance, 2, axis=-1)
        y = (slope_s * noise_s + offset_s) * normalized + slope_b * noise_b + offset_b
        if not self.sketch:
            return y
        lines = Conv(channels, name="sketch_conv", **common)(layout.sketch)
        merge = Conv(channels, kernel_size=1, use_bias=False, name="merge_conv", **common)
        return merge(jnp.concatenate([y, lines], axis=-1))

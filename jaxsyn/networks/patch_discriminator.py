"""The multi-scale PatchGAN discriminator of pix2pixHD and SPADE."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers import Conv, InstanceNorm, LabelMap, add_bias, average_pool, convolve, label_convolve, normalization
from jaxsyn.layers.initializers import DEFAULT, Initializer

KERNEL_SIZE, PADDING = 4, 2


class PatchDiscriminator(nn.Module):
    """Conditional PatchGAN (Isola et al. 2017) as in SPADE, appendix A: 4x4 convolutions with padding 2.

    Reads concat(label map, image). The first convolution's part over the label map is computed once for all images
    that share it.

    Attributes:
        width: channels after the first convolution; doubled by each further one, up to `max_width`.
        num_layers: convolutions before the one that predicts; all have stride 2 but the last.
        last_stride: stride of that last one: 1 in SPADE, 2 in SEAN.
        norm: `none`, `batch` or `instance`, after every convolution but the first and the last.
        spectral: spectral normalisation of the convolutions that a norm follows (of those between when it is `none`).
        bias: whether a convolution that a norm follows has a bias: in pix2pixHD, but not in SPADE.
    """

    width: int = 64
    num_layers: int = 4
    norm: str = "instance"
    spectral: bool = True
    last_stride: int = 1
    bias: bool = False
    max_width: int = 512
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, images: Sequence[jax.Array]) -> list[list[jax.Array]]:
        """
        Args:
            images: one or more batches [B, H, W, 3] for the same label maps: generated and real ones, say.

        Returns:
            For each batch the outputs of every convolution after its activation, the last being the logits
            [B, h, w, 1]. All batches pass with the same weights (one power iteration), but apart, so that no gradient
            is computed for a batch that none is asked of.
        """

        def conv(xs: Sequence[jax.Array], layer: int, features: int, stride: int, **options: bool) -> list[jax.Array]:
            kernel, bias = self._conv(features, layer, **options).weights(xs[0].shape[-1])
            return [add_bias(convolve(x, kernel, stride=stride, padding=PADDING), bias) for x in xs]

        kernel, bias = self._conv(self.width, 0).weights(label.channels + images[0].shape[-1])
        on_label = add_bias(label_convolve(label, kernel[:, :, : label.channels], stride=2, padding=PADDING), bias)
        kernel = kernel[:, :, label.channels :]
        on_images = [convolve(x.astype(self.dtype), kernel, stride=2, padding=PADDING) for x in images]
        layers = [[nn.leaky_relu(x + on_label, 0.2) for x in on_images]]
        width, normalized = self.width, self.norm != "none"
        for i in range(1, self.num_layers):
            width = min(2 * width, self.max_width)
            stride = self.last_stride if i == self.num_layers - 1 else 2
            xs = conv(layers[-1], i, width, stride, spectral=self.spectral, use_bias=self.bias or not normalized)
            xs = self._normalize(xs, f"norm_{i}") if normalized else xs
            layers.append([nn.leaky_relu(x, 0.2) for x in xs])
        layers.append(conv(layers[-1], self.num_layers, 1, stride=1))
        return [list(features) for features in zip(*layers, strict=True)]

    def _conv(self, features: int, layer: int, **options: bool) -> Conv:
        return Conv(
            features, KERNEL_SIZE, kernel_init=self.kernel_init, dtype=self.dtype, name=f"conv_{layer}", **options
        )

    def _normalize(self, xs: Sequence[jax.Array], name: str) -> list[jax.Array]:
        if self.norm == "instance":
            return [InstanceNorm(dtype=self.dtype)(x) for x in xs]
        # Batch statistics are those of all images that pass together.
        norm = normalization(self.norm, affine=True, dtype=self.dtype, name=name)
        return jnp.split(norm(jnp.concatenate(xs)), len(xs))


class MultiscaleDiscriminator(nn.Module):
    """Copies of `PatchDiscriminator` with weights of their own, on ever coarser images (pix2pixHD, section 3.2).

    The k-th sees label map and image after k average poolings, 3x3 with stride 2, padding left out of the count.

    Attributes:
        coarse_first: whether parameters are numbered from the coarsest scale on, as in pix2pixHD: a finer scale that is
            added later gets the next number. Results are in the order of scales, the finest first, always.
    """

    num_scales: int = 2
    width: int = 64
    num_layers: int = 4
    norm: str = "instance"
    spectral: bool = True
    last_stride: int = 1
    bias: bool = False
    max_width: int = 512
    coarse_first: bool = False
    kernel_init: Initializer = DEFAULT
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap, images: Sequence[jax.Array]) -> list[list[list[jax.Array]]]:
        """As `PatchDiscriminator`: for each batch of images, for each scale (the finest first), its features."""
        scales = []
        for scale in range(self.num_scales):
            if scale > 0:
                label, images = label.average_pool(), [average_pool(x) for x in images]
            shape = (self.width, self.num_layers, self.norm, self.spectral, self.last_stride, self.bias, self.max_width)
            number = self.num_scales - 1 - scale if self.coarse_first else scale
            one = PatchDiscriminator(*shape, self.kernel_init, self.dtype, name=f"discriminator_{number}")
            scales.append(one(label, images))
        return [list(features) for features in zip(*scales, strict=True)]

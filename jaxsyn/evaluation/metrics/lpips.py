"""LPIPS, a perceptual distance of two images from deep features (Zhang et al., CVPR 2018, arXiv 1801.03924).

The functions take the feature taps of a backbone; which ones, and the released weights, are in `BACKBONES`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from jaxsyn.layers.resample import bilinear_axis, resample
from jaxsyn.networks import alexnet, squeezenet, vgg

# How a feature vector f is brought to unit length. lpips: f / (|f| + 1e-10); stargan_v2: f / sqrt(|f|^2 + 1e-10);
# imaginaire: f / (sqrt(|f|^2 + 1e-5) + 1e-5), which moves the distance visibly.
UnitLength = Literal["lpips", "stargan_v2", "imaginaire"]

LINEAR_RULES = ((r"model_1", "model.1"),)


class Backbone(NamedTuple):
    """A feature network, its rules to torchvision's names, and the channels of its taps."""

    network: nn.Module
    rules: tuple[tuple[str, str], ...]
    channels: tuple[int, ...]


BACKBONES = {
    "alex": Backbone(alexnet.AlexNet(), alexnet.TORCH_RULES, (64, 192, 384, 256, 256)),
    "vgg": Backbone(vgg.VGG16(), vgg.TORCH_RULES, (64, 128, 256, 512, 512)),
    "squeeze": Backbone(squeezenet.SqueezeNet(), squeezenet.TORCH_RULES, (64, 128, 256, 384, 384, 512, 512)),
}


def linear_template(channels: Sequence[int]) -> dict[str, Any]:
    """Variables (shapes) of LPIPS's linear layers, one weight a channel of each tap, under their released names."""
    kernels = {
        f"lin{index}": {"model_1": {"kernel": jax.ShapeDtypeStruct((1, 1, count, 1), jnp.float32)}}
        for index, count in enumerate(channels)
    }
    return {"params": kernels}


def linear_weights(variables: dict[str, Any]) -> tuple[jax.Array, ...]:
    """The weights [C] of each tap from variables shaped as `linear_template`."""
    params = variables["params"]
    return tuple(params[f"lin{index}"]["model_1"]["kernel"][0, 0, :, 0] for index in range(len(params)))


def lpips_input(images: jax.Array) -> jax.Array:
    """Images [B, H, W, 3] in [-1, 1] as the backbones of version 0.1 see them; version 0.0 takes them as they are."""
    return (images - jnp.array((-0.030, -0.088, -0.188))) / jnp.array((0.458, 0.448, 0.450))


def lpips_layers(
    first: Sequence[jax.Array],
    second: Sequence[jax.Array],
    linear: Sequence[jax.Array] | None,
    unit_length: UnitLength = "lpips",
) -> jax.Array:
    """The share of each tap in the distance, [B, taps], at least 0.

    first, second: the taps of two image batches, [B, h, w, C] each.
    linear: the weights of each tap, [C]; None counts every channel 1.
    """
    maps = _difference_maps(first, second, linear, unit_length)
    return jnp.stack([of_tap.mean((1, 2)) for of_tap in maps], axis=1)


def lpips(
    first: Sequence[jax.Array],
    second: Sequence[jax.Array],
    linear: Sequence[jax.Array] | None,
    unit_length: UnitLength = "lpips",
) -> jax.Array:
    """The distance of each pair, [B], at least 0; jit-able and differentiable. Arguments as in `lpips_layers`."""
    return lpips_layers(first, second, linear, unit_length).sum(1)


def lpips_map(
    first: Sequence[jax.Array], second: Sequence[jax.Array], linear: Sequence[jax.Array], height: int, width: int
) -> jax.Array:
    """Where two images differ: the taps' maps, enlarged bilinearly to [B, height, width] and added."""
    maps = _difference_maps(first, second, linear, "lpips")
    return sum(resample(of_tap[..., None], height, width, bilinear_axis)[..., 0] for of_tap in maps)


def imaginaire_lpips(first: Sequence[jax.Array], second: Sequence[jax.Array], linear: Sequence[jax.Array]) -> jax.Array:
    """imaginaire's distance, [B]: sums over positions divided by the squared width of a tap, so images must be square.

    The authors' code expects images in [0, 1] and clamps them; fed images in [-1, 1], it measures their brighter half.
    """
    maps = _difference_maps(first, second, linear, "imaginaire")
    return sum(of_tap.sum((1, 2)) / of_tap.shape[2] ** 2 for of_tap in maps)


def _difference_maps(
    first: Sequence[jax.Array], second: Sequence[jax.Array], linear: Sequence[jax.Array] | None, unit_length: UnitLength
) -> list[jax.Array]:
    unit = partial(_unit, unit_length=unit_length)
    squared = [(unit(x) - unit(y)) ** 2 for x, y in zip(first, second, strict=True)]
    if linear is None:
        return [of_tap.sum(-1) for of_tap in squared]
    return [(of_tap * weights).sum(-1) for of_tap, weights in zip(squared, linear, strict=True)]


def _unit(features: jax.Array, unit_length: UnitLength) -> jax.Array:
    squared = jnp.sum(features**2, axis=-1, keepdims=True)
    if unit_length == "stargan_v2":
        return features * jax.lax.rsqrt(squared + 1e-10)
    if unit_length == "imaginaire":
        return features / (jnp.sqrt(squared + 1e-5) + 1e-5)
    # The root has no finite derivative at 0, where all channels are off after a ReLU.
    positive = squared > 0
    return features / (jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1)), 0) + 1e-10)

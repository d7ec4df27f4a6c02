"""The generators and discriminators that pix2pix and CycleGAN share, by a config."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.layers import initializer
from jaxsyn.methods.base import Rules
from jaxsyn.networks.johnson_generator import JohnsonGenerator, johnson_names
from jaxsyn.networks.patch_gan import PIXEL_GAN_NAMES, PatchGAN, PixelGAN, patch_gan_names
from jaxsyn.networks.unet_generator import UnetGenerator, unet_names


def translator(config: ConfigDict) -> nn.Module:
    """The generator of `config.model.architecture`, image [B, H, W, C] -> image in [-1, 1].

    Raises:
        UserError: no such architecture.
    """
    model = config.model
    options = {"remat": config.remat, **_common(config)}
    if _architecture(model) == "unet":
        return UnetGenerator(**model.unet, **options)
    return JohnsonGenerator(**model.resnet, **options)


def translator_names(model: ConfigDict) -> Rules:
    """Renamings of the generator's parameters to those of the authors' PyTorch module."""
    if _architecture(model) == "unet":
        return unet_names(model.unet.num_downs)
    return johnson_names(model.resnet.num_blocks, model.resnet.dropout)


def has_dropout(model: ConfigDict) -> bool:
    """Whether the generator takes dropout as noise."""
    return model[_architecture(model)].dropout


def patch_discriminator(config: ConfigDict) -> nn.Module:
    """The discriminator of `config.model.discriminator`: one pixel sees itself alone where num_layers is 0."""
    model, common = config.model.discriminator, _common(config)
    if model.num_layers == 0:
        return PixelGAN(model.width, model.norm, **common)
    return PatchGAN(model.width, model.num_layers, model.norm, **common)


def patch_discriminator_names(model: ConfigDict) -> Rules:
    """Renamings of the discriminator's parameters to those of the authors' PyTorch module."""
    num_layers = model.discriminator.num_layers
    return patch_gan_names(num_layers) if num_layers else PIXEL_GAN_NAMES


def unused_statistics(
    model: ConfigDict, generators: Sequence[str], discriminators: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Of networks with instance norm, the running statistics that released checkpoints of 2017 and 2018 hold."""
    norms = dict.fromkeys(generators, model[_architecture(model)].norm)
    norms |= dict.fromkeys(discriminators, model.discriminator.norm)
    return {name: (r"\.running_(mean|var)$",) for name, norm in norms.items() if norm == "instance"}


def dropout_rngs(model: ConfigDict, rng: jax.Array) -> dict[str, jax.Array]:
    """What a call of the generator takes as `rngs`: nothing where it has no dropout."""
    return {"dropout": rng} if has_dropout(model) else {}


def _architecture(model: ConfigDict) -> str:
    if model.architecture not in ("unet", "resnet"):
        raise UserError(f"model.architecture = {model.architecture!r} is not known; choose unet or resnet")
    return model.architecture


def _common(config: ConfigDict) -> dict[str, Any]:
    model = config.model
    return {"kernel_init": initializer(model.init, model.init_gain), "dtype": jnp.dtype(config.compute_dtype)}

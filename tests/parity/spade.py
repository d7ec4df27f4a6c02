"""SPADE's reference cases: the authors' options to our config, and what each kind of case computes."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs.spade import get_config
from jaxsyn.layers import LabelMap, instance_edges
from jaxsyn.losses.variational import kl_divergence
from jaxsyn.methods.semantic import SemanticSynthesis
from jaxsyn.methods.spade import ENCODER_SIZE, Spade
from jaxsyn.networks.spade_decoder import UPSAMPLINGS
from tests.parity import semantic
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import GAN_MODES, shape


def config_of(options: Mapping[str, Any]) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("coco_stuff")
    data, model, weights = config.data, config.model, config.loss.weights
    generator_norm = options.get("norm_G", "spectralspadesyncbatch3x3")
    crop = options.get("crop_size", 256)
    upsampling = options.get("num_upsampling_layers", "normal")
    # The reference rounds the start size, and the image follows from it.
    scale = 2 ** UPSAMPLINGS[upsampling]
    start_width = crop // scale
    data.width, data.height = start_width * scale, round(start_width / options.get("aspect_ratio", 1.0)) * scale
    data.num_classes = options.get("label_nc", options.get("semantic_nc", 1))
    data.unknown_label = 255 if options.get("contain_dontcare_label", False) else None
    data.use_instance = not options.get("no_instance", True)
    model.use_vae = options.get("use_vae", False)
    model.generator.width = model.resnet.width = options.get("ngf", 64)
    model.generator.upsampling = upsampling
    model.generator.spectral = model.resnet.spectral = "spectral" in generator_norm
    spade = re.search(r"spade(\D+)(\d)x\d", generator_norm)
    if spade:
        model.generator.norm, model.generator.kernel_size = spade.group(1), int(spade.group(2))
    else:
        model.architecture = "pix2pixhd"
        model.resnet.norm = _plain_norm(generator_norm)
        model.resnet.num_downsamplings = options.get("resnet_n_downsample", 4)
        model.resnet.num_blocks = options.get("resnet_n_blocks", 9)
        model.resnet.kernel_size = options.get("resnet_kernel_size", 3)
        model.resnet.initial_kernel_size = options.get("resnet_initial_kernel_size", 7)
    discriminator_norm = options.get("norm_D", "spectralinstance")
    model.discriminator.spectral, model.discriminator.norm = (
        "spectral" in discriminator_norm,
        _plain_norm(discriminator_norm),
    )
    model.discriminator.width = options.get("ndf", 64)
    model.discriminator.num_scales = options.get("num_D", 2)
    model.discriminator.num_layers = options.get("n_layers_D", 4)
    encoder_norm = options.get("norm_E", "spectralinstance")
    model.encoder.spectral, model.encoder.normalized = "spectral" in encoder_norm, "instance" in encoder_norm
    config.loss.adversarial = GAN_MODES[options.get("gan_mode", "hinge")]
    weights.feature_matching = 0.0 if options.get("no_ganFeat_loss", False) else options.get("lambda_feat", 10.0)
    weights.perceptual = 0.0 if options.get("no_vgg_loss", False) else options.get("lambda_vgg", 10.0)
    weights.kl = options.get("lambda_kld", 0.05)
    config.loss.vgg_weights = "by the weight rule"
    rate, factor = options.get("lr", 2e-4), 1 if options.get("no_TTUR", False) else 2
    config.optimizer.b1, config.optimizer.b2 = options.get("beta1", 0.0), options.get("beta2", 0.9)
    config.optimizer.learning_rate.generator = config.optimizer.learning_rate.encoder = rate / factor
    config.optimizer.learning_rate.discriminator = rate * factor
    config.optimizer.discriminator_steps = options.get("D_steps_per_G", 1)
    config.optimizer.decay_steps = 0
    return config


def _plain_norm(text: str) -> str:
    return {"": "none", "sync_batch": "batch"}.get(text.removeprefix("spectral"), text.removeprefix("spectral"))


def templates(options: dict[str, Any]) -> dict[str, Template]:
    """The networks that the options describe; the encoder is always among them."""
    method = Spade(config_of({**options, "use_vae": True}))
    size = (1, method.config.data.height, method.config.data.width)
    label = LabelMap(shape(size, jnp.int32), None, method.num_classes)
    if method.config.data.use_instance:
        label = label.replace(extra=shape((*size, 1)))
    style = shape((1, options.get("z_dim", 256))) if options.get("use_vae", False) else None
    inputs = {
        "generator": (label,) if style is None else (label, style),
        "discriminator": (label, (shape((*size, 3)),)),
        "encoder": (shape((1, ENCODER_SIZE, ENCODER_SIZE, 3)),),
    }
    return semantic.templates(method, inputs)


GivenNoise = semantic.with_given_noise(Spade)


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    kinds = {"losses": semantic.losses, "iterations": semantic.iterations}
    for kind, function in kinds.items():
        if case.case.startswith(kind):
            method = GivenNoise(config_of(case.config), case.inputs.get("eps"))
            return function(method, case, variables, semantic.batch_of(case))
    function = {"generator": _generator, "discriminator": _discriminator, "encoder": _encoder}[next(iter(variables))]
    return function(case, variables)


def single_network_label(method: SemanticSynthesis, case: Case) -> LabelMap:
    """A network's own cases take every channel as a class, unless an instance map comes along."""
    batch = semantic.batch_of(case)
    edges = instance_edges(batch["instance"]) if "instance" in batch else None
    channels = case.config.get("semantic_nc", method.num_classes)
    return LabelMap(batch["label"], edges, channels - (edges is not None))


def _generator(case: Case, variables: dict[str, Any]) -> Results:
    method = Spade(config_of(case.config))
    inputs = (single_network_label(method, case),)
    if "z" in case.inputs:
        inputs += (jnp.asarray(case.inputs["z"]),)

    @jax.jit
    def images(variables: dict[str, Any]) -> jax.Array:
        return semantic.nets_of(method, case, variables).generator(*inputs)

    return Results({"image": nhwc_to_nchw(images(variables))})


def _discriminator(case: Case, variables: dict[str, Any]) -> Results:
    method = Spade(config_of(case.config))
    return semantic.discriminator(method, case, variables, single_network_label(method, case))


def _encoder(case: Case, variables: dict[str, Any]) -> Results:
    method = Spade(config_of({**case.config, "use_vae": True}))
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    mean, log_variance = jax.jit(lambda v: semantic.nets_of(method, case, v).encoder(image))(variables)
    outputs = {"mu": np.asarray(mean), "logvar": np.asarray(log_variance)}
    return Results(outputs, {"kld": float(kl_divergence(mean, log_variance))})

"""SEAN's reference cases: the authors' options to our config, and what each kind of case computes."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from ml_collections import ConfigDict

from configs.sean import get_config
from jaxsyn.layers import ACE, LabelMap, StyledLabel
from jaxsyn.methods import Batch, Nets
from jaxsyn.methods.sean import Noise, Sean, StyleEncoder, encoder_names
from tests.parity import semantic, spade
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape


def config_of(options: Mapping[str, Any]) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("celebamask_hq")
    theirs = spade.config_of({"n_layers_D": 3, **options})
    config.data, config.loss, config.optimizer = theirs.data, theirs.loss, theirs.optimizer
    generator = theirs.model.generator
    config.model.generator.update(
        width=generator.width,
        upsampling=generator.upsampling,
        kernel_size=generator.kernel_size,
        spectral=generator.spectral,
        style_length=options.get("style_length", 512),
    )
    config.model.discriminator.update(theirs.model.discriminator)
    return config


def templates(options: dict[str, Any]) -> dict[str, Template]:
    """The networks that the options describe; the cases of a single layer or encoder have options of their own."""
    if "norm_nc" in options:
        return {"normalisations": _normalisations_template(options)}
    if "output_nc" in options:
        return {"encoder": _encoder_template(options)}
    method = Sean(config_of(options))
    size = (1, method.config.data.height, method.config.data.width)
    edges = shape((*size, 1)) if method.config.data.use_instance else None
    label, image = LabelMap(shape(size, jnp.int32), edges, method.num_classes), shape((*size, 3))
    known = semantic.templates(method, {"generator": (label, image), "discriminator": (label, (image,))})
    if "instance" in options.get("norm_G", ""):
        known["generator"] = _without_unused_statistics(known["generator"])
    return known


def _without_unused_statistics(template: Template) -> Template:
    """The network whose SPADE parts hold an instance norm, which keeps no statistics."""
    flat = traverse_util.flatten_dict(template.variables)
    kept = {path: leaf for path, leaf in flat.items() if path[-3:-1] != ("Spade", "param_free_norm")}
    return Template(traverse_util.unflatten_dict(kept), template.rules)


class Normalisations(nn.Module):
    """A layer with style codes and one without."""

    kernel_size: int

    @nn.compact
    def __call__(self, x: jax.Array, layout: StyledLabel) -> dict[str, jax.Array]:
        return {
            name: ACE(name == "styled", self.kernel_size, name=name)(x, layout.resize(*x.shape[1:3]))
            for name in ("styled", "plain")
        }


def _normalisations(options: Mapping[str, Any]) -> Normalisations:
    return Normalisations(int(options["norm"][-1]))


def _normalisations_template(options: Mapping[str, Any]) -> Template:
    label = LabelMap(shape((1, 8, 8), jnp.int32), None, options["classes"])
    codes = shape((1, options["fc_mu layers"], options["style_length"]))
    x = shape((1, 8, 8, options["norm_nc"]))
    variables = jax.eval_shape(_normalisations(options).init, jax.random.key(0), x, StyledLabel(label, codes))
    template = Template(variables, (("mlp_shared", "mlp_shared.0"), (r"fc_mu\.(\d+)", r"fc_mu\1")))
    return _without_unused_statistics(template) if "instance" in options["norm"] else template


def _encoder(options: Mapping[str, Any]) -> StyleEncoder:
    return StyleEncoder(options["output_nc"], options.get("ngf", 32))


def _encoder_template(options: Mapping[str, Any]) -> Template:
    label = LabelMap(shape((1, 8, 8), jnp.int32), None, options["classes"])
    inputs = (shape((1, 8, 8, options.get("input_nc", 3))), label)
    return Template(jax.eval_shape(_encoder(options).init, jax.random.key(0), *inputs), encoder_names())


class GivenNoise(Sean):
    """SEAN whose noise is a case's."""

    def __init__(self, config: ConfigDict, noise: Noise):
        super().__init__(config)
        self.given = noise

    def synthesize(self, nets: Nets, batch: Batch, style: jax.Array, rng: jax.Array) -> jax.Array:
        return nets.generator(self.label_map(batch), style, noise=self.given)


def _noise_of(case: Case) -> dict[str, dict[str, jax.Array]]:
    noise: dict[str, dict[str, jax.Array]] = {}
    for name, array in case.inputs.items():
        if found := re.fullmatch(r"noise\.(\w+)\.ace_(\w)", name):
            noise.setdefault(found[1], {})[f"norm_{found[2]}"] = jnp.asarray(nchw_to_nhwc(array))
    return noise


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    kinds = {
        "losses": partial(semantic.losses, parts={"style_encoder": "/style_encoder/", "fc_mu": "/fc_mu/"}),
        "iterations": semantic.iterations,
    }
    for kind, function in kinds.items():
        if case.case.startswith(kind):
            method = GivenNoise(config_of(case.config), _noise_of(case))
            return function(method, case, variables, semantic.batch_of(case))
    functions = {
        "generator": _run_generator,
        "discriminator": _run_discriminator,
        "encoder": _run_encoder,
        "normalisations": _run_normalisations,
    }
    return functions[next(iter(variables))](case, variables)


def _run_generator(case: Case, variables: dict[str, Any]) -> Results:
    method, noise = Sean(config_of(case.config)), _noise_of(case)
    label = spade.single_network_label(method, case)
    given = case.inputs.get("style_codes")
    image = None if given is not None else jnp.asarray(nchw_to_nhwc(case.inputs["image"]))

    @jax.jit
    def images(variables: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
        nets = semantic.nets_of(method, case, variables)
        if image is None:
            codes = jnp.broadcast_to(given, (len(label.ids), *given.shape[-2:]))
        else:
            codes = method.style_codes(nets, image, label)
        return nets.generator(label, codes=codes, noise=noise), codes

    fake, codes = images(variables)
    fake = nhwc_to_nchw(fake)
    outputs = {"image": fake, "image_every_2": fake[:, :, ::2, ::2], "style_codes": np.asarray(codes)}
    outputs |= {"image_mean": fake.mean((2, 3)), "image_std": fake.std((2, 3))}
    return Results({name: outputs[name] for name in case.outputs})


def _run_discriminator(case: Case, variables: dict[str, Any]) -> Results:
    method = Sean(config_of(case.config))
    return semantic.discriminator(method, case, variables, spade.single_network_label(method, case))


def _run_encoder(case: Case, variables: dict[str, Any]) -> Results:
    encoder = _encoder(case.config)
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    label = LabelMap(jnp.asarray(label_map(case.inputs["label"])), None, case.config["classes"])

    @jax.jit
    def results(variables: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
        features = nn.apply(StyleEncoder.feature_map, encoder)(variables, image)
        return encoder.apply(variables, image, label), features

    codes, features = results(variables["encoder"])
    features = nhwc_to_nchw(features)
    outputs = {"style_codes": np.asarray(codes), "features_every_16": features[:, ::16, ::4, ::4]}
    return Results(outputs | {"features_mean": features.mean((2, 3)), "features_std": features.std((2, 3))})


def _run_normalisations(case: Case, variables: dict[str, Any]) -> Results:
    layers = _normalisations(case.config)
    codes = np.zeros((len(case.inputs["x"]), case.config["fc_mu layers"], case.config["style_length"]), np.float32)
    codes[:, : case.config["classes"]] = case.inputs["style_codes"]
    noise = {name: jnp.asarray(nchw_to_nhwc(case.inputs[f"noise.{name}"])) for name in ("styled", "plain")}
    label = LabelMap(jnp.asarray(label_map(case.inputs["label"])), None, case.config["classes"])
    x = jnp.asarray(nchw_to_nhwc(case.inputs["x"]))
    layout = StyledLabel(label, jnp.asarray(codes), noise)
    apply = partial(layers.apply, mutable=["batch_stats"]) if case.mode == "train" else layers.apply
    y = jax.jit(apply)(variables["normalisations"], x, layout)
    y = y[0] if case.mode == "train" else y
    return Results({name: nhwc_to_nchw(array) for name, array in y.items()})

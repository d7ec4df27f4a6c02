"""MUNIT's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from configs.munit import get_config
from jaxsyn.losses.reconstruction import domain_invariant_perceptual
from jaxsyn.methods.base import Batch
from jaxsyn.methods.munit import AutoEncoder, Munit
from jaxsyn.methods.two_domains import DOMAINS, RELU5_3
from jaxsyn.networks.vgg import VGG16, caffe_input
from tests.parity import two_domains
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.two_domains import GivenDraws, Options, statistics


class GivenStyles(GivenDraws, Munit):
    """MUNIT with the style codes of a case."""

    def draw_styles(self, batch: Batch, rng: jax.Array) -> dict[str, jax.Array]:
        return {domain: batch[f"{self.update}_s_{domain}"][:, 0, 0] for domain in DOMAINS}


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options."""
    config = get_config("custom")
    two_domains.apply_options(config, options)
    gen, weights = options.get("gen", options), config.loss.weights
    config.model.generator.update(style_dim=gen.get("style_dim", 8), mlp_width=gen.get("mlp_dim", 256))
    names = {"style": "recon_s_w", "content": "recon_c_w", "cycle": "recon_x_cyc_w"}
    weights.update({ours: float(options.get(theirs, weights[ours])) for ours, theirs in names.items()})
    return config


def templates(options: Options) -> dict[str, Template]:
    """All networks together, and one of either kind."""
    return two_domains.templates(GivenStyles(config_of(options), options), options)


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if not variables:
        return _vgg(case)
    method = GivenStyles(config_of(case.config), case.config)
    if "discriminator" in variables:
        return two_domains.discriminator(method, case, variables["discriminator"])
    if "generator" in variables:
        return _generator(method, case, variables["generator"])
    stepped = any(name.startswith("step") for name in case.scalars)
    function = two_domains.iterations if stepped else two_domains.losses
    return function(method, case, variables["trainer"], _terms)


def _terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    scalars = two_domains.shared_terms(terms)
    for domain in DOMAINS:
        scalars[f"loss_gen_recon_s_{domain}"] = terms[f"generator/style_{domain}"]
        scalars[f"loss_gen_recon_c_{domain}"] = terms[f"generator/content_{domain}"]
        scalars[f"loss_gen_cycrecon_x_{domain}"] = terms.get(f"generator/cycle_{domain}", 0.0)
    return scalars


def _generator(method: GivenStyles, case: Case, variables: Mapping[str, Any]) -> Results:
    """An auto-encoder's codes, its image again, and that image's content in a given style."""
    network: AutoEncoder = method.networks()["generator_a"]
    image, style = jnp.asarray(nchw_to_nhwc(case.inputs["image"])), jnp.asarray(case.inputs["style"][:, :, 0, 0])

    @jax.jit
    def call(variables: Any, image: jax.Array, style: jax.Array) -> dict[str, jax.Array]:
        def parts(network: AutoEncoder) -> dict[str, jax.Array]:
            codes = network.encode(image)
            return {
                "content": codes.content,
                "style_code": codes.style[:, None, None],
                "adain_params": network.mlp(style),
                "reconstruction": network.decode(*codes),
                "translation": network.decode(codes.content, style),
            }

        return network.apply(variables, method=parts)

    found = call(variables, image, style)
    parameters = found.pop("adain_params")
    outputs = {name: nhwc_to_nchw(array) for name, array in found.items()} | {"adain_params": parameters}
    return Results({name: array for name, array in outputs.items() if name in case.outputs})


def _vgg(case: Case) -> Results:
    """The perceptual loss, and how it comes about."""
    network = VGG16(taps=(RELU5_3,), pooled_blocks=3)
    parameters = two_domains.vgg_parameters(network)
    image, target = (jnp.asarray(nchw_to_nhwc(case.inputs[name])) for name in ("image", "target"))

    @jax.jit
    def call(parameters: Any, image: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array]:
        def features(x: jax.Array) -> jax.Array:
            return network.apply({"params": parameters}, caffe_input(x))[0]

        return features(image), domain_invariant_perceptual(features, image, target)

    features, loss = call(parameters, image, target)
    outputs = {
        "preprocessed": nhwc_to_nchw(caffe_input(image))[:, :, :8, :8],
        "relu5_3_stats": statistics(features),
        "relu5_3_first32": nhwc_to_nchw(features)[:, :32],
    }
    return Results(outputs, {"loss_vgg": float(loss)})

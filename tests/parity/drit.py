"""DRIT's reference cases: the authors' options to our config, and what each kind of case computes.

Cases of several domains (MDMM) are told by their option `num_domains`: `drit_domains` has them.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.drit import get_config
from jaxsyn.methods import Nets
from jaxsyn.methods.drit import DISCRIMINATORS, RANDOM_DISCRIMINATORS, Drit
from jaxsyn.methods.two_domains import DOMAINS
from jaxsyn.training.optimizer import clip_by_global_norm
from jaxsyn.training.state import modules
from tests.parity import drit_domains, drit_networks
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nhwc_to_nchw
from tests.parity.drit_networks import Options, layers, nhwc, norms, parts, statistics, thinned
from tests.parity.semantic import shape

ENCODERS = {"content_encoder": "enc_c", "attribute_encoder": "enc_a"}
JUDGES = dict(zip((*DISCRIMINATORS, *RANDOM_DISCRIMINATORS), ("disA", "disB", "disA2", "disB2"), strict=True))
NETWORKS = {**ENCODERS, "generator": "gen", **JUDGES, "content_discriminator": "disContent"}
# Noise on the code of a translation is called after the domain of its content.
DRAWS = {
    **{f"content_{domain}": f"noise_content_{domain}" for domain in DOMAINS},
    **{f"content_again_{domain}": f"noise_recon_{other}" for domain, other in DOMAINS.items()},
    **{f"attribute_{domain}": f"eps_{domain}" for domain in DOMAINS},
    **{f"attribute_again_{domain}": f"eps_recon_{domain}" for domain in DOMAINS},
    "random": "z_random",
    "random_2": "z_random2",
}


class GivenDraws(Drit):
    """DRIT whose draws are a case's."""

    def __init__(self, options: Options, inputs: Mapping[str, np.ndarray]):
        super().__init__(config_of(options, len(inputs.get("image_a", (0, 0)))))
        self.inputs = inputs

    def draw(self, rng: jax.Array, name: str, shape: tuple[int, ...]) -> jax.Array:
        return nhwc(self.inputs[DRAWS[name]])


def is_high_resolution(options: Options) -> bool:
    """Whether options are those of DRIT_hr, which seeks modes where it is told, not where it is not told not to."""
    return "ms" in options


def config_of(options: Options, batch: int = 2) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default.

    Args:
        batch: images of a batch, of which the first is translated.
    """
    config = get_config("custom")
    drit_networks.apply_options(config, options)
    config.loss.group = batch
    config.model.discriminator.num_scales = options.get("dis_scale", 3)
    if is_high_resolution(options):
        config.model.two_scale, config.model.discriminator.num_scales = True, 2
        config.loss.weights.mode_seeking = 0.1 if options["ms"] else 0.0
    elif options.get("no_ms", False):
        config.loss.weights.mode_seeking = 0.0
    return config


def templates(options: Options) -> dict[str, Template]:
    """All networks alone and together; discriminator and generator also under the names that cases of one have."""
    if "num_domains" in options:
        return drit_domains.templates(options)
    method, rng, width = GivenDraws(options, {}), jax.random.key(0), 4 * options.get("width", 64)
    networks, variables = method.networks(), {}
    content, code = shape((1, 54, 54, width)), shape((1, method.config.model.attribute_dim))
    for domain in DOMAINS:
        channels = options.get(f"input_dim_{domain}", options.get(f"output_dim_{domain}", options.get("input_dim", 3)))
        image = shape((1, 64, 64, channels))
        inputs = {"generator": (content, code), **dict.fromkeys(ENCODERS, (image,))}
        for name, given in inputs.items():
            network = networks[name].clone(out_channels=channels) if name == "generator" else networks[name]
            tree = jax.eval_shape(lambda *x, network=network: network.init(rng, *x, domain), *given)  # noqa: B023
            mine = variables.setdefault(name, tree)["params"]
            mine[f"branch_{domain}"] = tree["params"][f"branch_{domain}"]
        judges = [name for name in JUDGES if name.endswith(f"_{domain}")]
        variables |= {name: jax.eval_shape(networks[name].init, rng, image) for name in judges}
    name = "content_discriminator"
    variables[name] = jax.eval_shape(networks[name].init, rng, content)
    found = drit_networks.templates(method, variables, NETWORKS)
    return found | {"discriminator": found["disA"], "generator": found["gen"]}


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if "num_domains" in case.config:
        return drit_domains.run(case, variables)
    method = GivenDraws(case.config, case.inputs)
    ((name, tree),) = variables.items()
    if name == "model":
        return _losses(method, case, tree)
    functions = {"encoders": _encoders, "generator": _generator}
    outputs = functions.get(name, _discriminator)(method, case, tree, name)
    return Results({name: array for name, array in outputs.items() if name in case.outputs})


def _discriminator(method: Drit, case: Case, variables: Any, name: str) -> dict[str, np.ndarray]:
    """Logits, and statistics of the hidden layers; spectral norm iterates in training."""
    network = method.networks()["content_discriminator" if name == "disContent" else "discriminator_a"]
    images = [nhwc(array) for name, array in case.inputs.items()]
    mutable = ["spectral"] if case.mode == "train" and "spectral" in variables else False

    @jax.jit
    def call(variables: Any, *images: jax.Array) -> Any:
        found = network.apply(variables, *images, mutable=mutable)
        return found[0] if mutable else found

    found = call(variables, *images)
    if name == "disContent" or len(found) == 1:
        outputs = layers(found if name == "disContent" else found[0])
        return {**outputs, "out": outputs["out"].reshape(-1)}
    return {name: array for i, scale in enumerate(found) for name, array in layers(scale, f"scale{i}_").items()}


def _encoders(method: Drit, case: Case, variables: Any, name: str) -> dict[str, np.ndarray]:
    """Content codes and attributes of images of both domains."""
    nets, outputs = Nets(method.networks(), *parts(variables), train=False), {}

    @jax.jit
    def encode(images: dict[str, jax.Array]) -> dict[str, Any]:
        return {d: (nets.content_encoder(x, d), nets.attribute_encoder(x, d)) for d, x in images.items()}

    images = {domain: nhwc(case.inputs[f"image_{domain}"]) for domain in DOMAINS if f"image_{domain}" in case.inputs}
    for domain, (content, attribute) in encode(images).items():
        outputs[f"content_{domain}"] = nhwc_to_nchw(content)
        if method.config.model.concat:
            outputs[f"mu_{domain}"], outputs[f"logvar_{domain}"] = map(np.asarray, attribute)
        else:
            outputs[f"attr_{domain}"] = np.asarray(attribute)
    return outputs


def _generator(method: Drit, case: Case, variables: Any, name: str) -> dict[str, np.ndarray]:
    """Images of both domains of a content and an attribute."""
    network, outputs = method.networks()["generator"], {}
    for domain in DOMAINS:
        channels = case.config.get(f"output_dim_{domain}", 3)
        decoder = network.clone(out_channels=channels)
        made = jax.jit(decoder.apply, static_argnums=3)(
            variables, nhwc(case.inputs["content"]), nhwc(case.inputs["z"]), domain
        )
        outputs |= {f"image_{domain}{end}": nhwc_to_nchw(image) for end, image in zip(("", "_s"), made, strict=False)}
    return outputs


def _losses(method: Drit, case: Case, variables: Any) -> Results:
    """Weighted terms and gradient norms of all phases, without the updates between them, and the translations."""
    params, states = parts(variables)
    batch = {"source": nhwc(case.inputs["image_a"]), "image": nhwc(case.inputs["image_b"])}
    terms, gradients = drit_networks.gradients(method, batch, params, states)
    weights, (content, judges) = method.config.loss.weights, (gradients[f"{p}discriminator"] for p in ("content_", ""))
    scalars = {"disContent_loss": terms["content_discriminator/total"], **norms("", judges | content, NETWORKS)}
    scalars["grad_disContent_clipped"] = optax.global_norm(clip_by_global_norm(content, 5.0))
    scalars["grad_dis"] = optax.global_norm(judges | content)
    for domain in DOMAINS:
        upper, way = domain.upper(), "BA" if domain == "a" else "AB"
        scalars[f"dis{upper}_loss"] = terms[f"discriminator/swapped_{domain}"]
        scalars[f"dis{upper}2_loss"] = terms[f"discriminator/random_{domain}"]
        places = {
            "reconstruction/adversarial": f"EG/gan_loss_{domain}",
            "reconstruction/content_adversarial": f"EG/gan_loss_{domain}content",
            "reconstruction/attribute_prior": f"EG/kl_loss_za_{domain}",
            "reconstruction/content_prior": f"EG/kl_loss_zc_{domain}",
            "reconstruction/cross_cycle": f"EG/l1_recon_{upper}_loss",
            "reconstruction/reconstruction": f"EG/l1_recon_{upper}{upper}_loss",
            "random/latent": f"G_alone/l1_recon_z_loss_{domain}",
            "random/adversarial": f"G_alone/gan2_loss_{domain}",
            "random/mode_seeking": f"G_alone/lz_{'loss_' if is_high_resolution(case.config) else ''}{way}",
        }
        for ours, theirs in places.items():
            scalars[theirs] = terms.get(f"{ours}_{domain}", 0.0) * weights[ours.split("/")[1]]
    scalars["EG/G_loss"] = terms["reconstruction/total"]
    scalars["EG/grad_total"] = optax.global_norm(gradients["reconstruction"])
    scalars |= norms("EG/", gradients["reconstruction"], NETWORKS) | norms("G_alone/", gradients["random"], NETWORKS)
    outputs = _translations(method, batch, params, states)
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: float(value) for name, value in scalars.items() if name in case.scalars},
    )


def _translations(method: Drit, batch: dict[str, jax.Array], params: Any, states: Any) -> dict[str, np.ndarray]:
    """Images of all kinds, and statistics of the codes."""

    @jax.jit
    def translate(params: Any, states: Any) -> tuple[dict[str, Any], dict[str, jax.Array]]:
        nets, rng = Nets(modules(method), params, states, train=True), jax.random.key(0)
        real, _ = method.split(batch)
        codes = {d: method.encode(nets, real[d], d, rng) for d in DOMAINS}
        drawn, images = method.draw_attributes(rng, 1), {}
        for domain, other in DOMAINS.items():
            own, swapped = codes[domain].attribute.code, codes[other].content
            pairs = (swapped, own), (codes[domain].content, own), *((swapped, each) for each in drawn)
            upper = domain.upper()
            kinds = f"{upper}_encoded", f"{upper * 2}_encoded", f"{upper}_random", f"{upper}_random2"
            images |= dict(zip(kinds, method.decode(nets, domain, *pairs), strict=False))
        again = {d: method.encode(nets, images[f"{d.upper()}_encoded"][0], d, rng, again=True) for d in DOMAINS}
        for domain, other in DOMAINS.items():
            pair = again[other].content, again[domain].attribute.code
            (images[f"{domain.upper()}_recon"],) = method.decode(nets, domain, pair)
        contents = {f"z_content_{d}": codes[d].content for d in DOMAINS}
        return images, contents | {f"z_content_recon_{other}": again[d].content for d, other in DOMAINS.items()}

    images, contents = translate(params, states)
    outputs = {f"{name}_stats": statistics(x) for name, x in contents.items()}
    for name, scales in images.items():
        outputs |= {f"fake_{name}{end}": thinned(x) for end, x in zip(("", "_s"), scales, strict=False)}
    return outputs

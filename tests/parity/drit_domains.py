"""The reference cases of DRIT for several domains (MDMM): options to our config, and what either kind computes."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs.drit_domains import get_config
from jaxsyn.methods import Nets
from jaxsyn.methods.content_attribute import interleave, separate
from jaxsyn.methods.drit_domains import BRANCH, DritDomains, swap
from jaxsyn.training.state import modules
from tests.parity import drit_networks
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nhwc_to_nchw
from tests.parity.drit_networks import Options, nhwc, norms, parts, thinned
from tests.parity.semantic import shape

NETWORKS = {
    "content_encoder": "enc_c",
    "attribute_encoder": "enc_a",
    "generator": "gen",
    "discriminator": "dis1",
    "random_discriminator": "dis2",
    "content_discriminator": "disContent",
}
DRAWS = {
    "content": "noise_content",
    "content_again": "noise_recon",
    "attribute": "eps",
    "attribute_again": "eps_recon",
    "random": "z_random",
}


class GivenDraws(DritDomains):
    """MDMM whose draws are a case's, the halves of its batch as neighbours."""

    def __init__(self, options: Options, inputs: dict[str, np.ndarray]):
        super().__init__(config_of(options))
        self.inputs = inputs
        self.channels = options.get("input_dim", 3)

    def networks(self) -> dict[str, nn.Module]:
        networks = super().networks()
        return networks | {"generator": networks["generator"].clone(out_channels=self.channels)}

    def draw(self, rng: jax.Array, name: str, shape: tuple[int, ...]) -> jax.Array:
        given = nhwc(self.inputs[DRAWS[name]])
        return given if name == "random" else interleave(*jnp.split(given, 2))


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config, weights = get_config("custom"), {}
    drit_networks.apply_options(config, options)
    config.data.domains = tuple(f"domain_{i}" for i in range(options["num_domains"]))
    config.data.height = config.data.width = options.get("crop_size", 216)
    weights["reconstruction"] = weights["cross_cycle"] = float(options.get("lambda_rec", 10))
    weights["classification"] = float(options.get("lambda_cls_G", 5))
    weights["discriminator_classification"] = float(options.get("lambda_cls", 1))
    weights["content_adversarial"] = float(options.get("isDcontent", False))
    config.loss.weights.update(weights)
    return config


def templates(options: Options) -> dict[str, Template]:
    """All networks alone and together; one discriminator also under the name that cases of one have.

    The authors' model has a content discriminator whether it is used or not.
    """
    method, rng = GivenDraws({**options, "isDcontent": True}, {}), jax.random.key(0)
    config, count = method.config, options["num_domains"]
    image = shape((1, config.data.height, config.data.width, options.get("input_dim", 3)))
    content, domain = shape((1, 54, 54, 4 * config.model.width)), shape((1, count))
    inputs = {
        "content_encoder": (image, BRANCH),
        "attribute_encoder": (image, BRANCH, domain),
        "generator": (content, shape((1, config.model.attribute_dim)), BRANCH, domain),
        "content_discriminator": (content,),
    }
    variables = {}
    for name, network in method.networks().items():
        given = inputs.get(name, (image,))
        arrays = [x for x in given if x is not BRANCH]

        def init(*arrays: jax.Array, network: Any = network, given: Any = given) -> Any:
            rest = iter(arrays)
            return network.init(rng, *(x if x is BRANCH else next(rest) for x in given))

        variables[name] = jax.eval_shape(init, *arrays)
    found = drit_networks.templates(method, variables, NETWORKS)
    shown = [name for name in variables if name not in ("random_discriminator", "content_discriminator")]
    names = {**NETWORKS, "discriminator": "dis"}
    together = drit_networks.templates(method, {name: variables[name] for name in shown}, names)
    return found | {name: together[name] for name in ("dis", "networks")}


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of either kind computes."""
    ((name, tree),) = variables.items()
    method = GivenDraws(case.config, case.inputs)
    return (_losses if name == "model" else _networks)(method, case, tree)


def _networks(method: DritDomains, case: Case, variables: Any) -> Results:
    """Codes of images, an image of the content and a given attribute, and both heads of a discriminator."""
    nets = Nets(method.networks(), *parts(variables), train=case.mode == "train")

    @jax.jit
    def call(image: jax.Array, domain: jax.Array, z: jax.Array, judged: jax.Array) -> dict[str, Any]:
        content, attribute = nets.content_encoder(image, BRANCH), nets.attribute_encoder(image, BRANCH, domain)
        is_gaussian = method.config.model.concat
        codes = dict(zip(("mu", "logvar"), attribute, strict=True)) if is_gaussian else {"attr": attribute}
        judgement, (made,) = nets.discriminator(judged), nets.generator(content, z, BRANCH, domain)
        images = {"content": content, "image_out": made, "dis_map": judgement.patches}
        return {**codes, **images, "dis_class": judgement.domains}

    found = call(*(nhwc(case.inputs[name]) for name in ("image", "domain", "z", "dis_image")))
    outputs = {name: nhwc_to_nchw(x) if x.ndim == 4 else np.asarray(x) for name, x in found.items()}
    return Results({name: array for name, array in outputs.items() if name in case.outputs})


def _losses(method: DritDomains, case: Case, variables: Any) -> Results:
    """Terms and gradient norms of all phases, without the updates between them, and the translations."""
    params, states = parts(variables)
    halves = jnp.split(nhwc(case.inputs["image"]), 2)
    domains = jnp.split(jnp.argmax(case.inputs["domain"], axis=1), 2)
    batch = dict(zip(("source", "image"), halves, strict=True))
    batch |= dict(zip(("source_domain", "domain"), domains, strict=True))
    terms, gradients = drit_networks.gradients(method, batch, params, states)
    weights = method.config.loss.weights
    scalars = {
        f"D{i}_{theirs}_loss": terms[f"discriminator/{kind}_{ours}"]
        for i, kind in ((1, "swapped"), (2, "random"))
        for ours, theirs in (("adversarial", "gan"), ("classification", "cls"))
    }
    places = {
        "reconstruction/adversarial": "EG/gan_loss",
        "reconstruction/classification": "EG/gan_cls_loss",
        "reconstruction/content_prior": "EG/kl_loss_zc",
        "reconstruction/attribute_prior": "EG/kl_loss_za",
        "reconstruction/reconstruction": "EG/l1_self_rec_loss",
        "reconstruction/cross_cycle": "EG/l1_cc_rec_loss",
        "reconstruction/content_adversarial": "EG/gan_loss_content",
        "random/latent": "G_alone/l1_recon_z_loss",
        "random/adversarial": "G_alone/gan2_loss",
        "random/classification": "G_alone/gan2_cls_loss",
    }
    scalars |= {theirs: terms[ours] * weights[ours.split("/")[1]] for ours, theirs in places.items() if ours in terms}
    scalars["EG/G_loss"] = terms["reconstruction/total"]
    scalars["D_content/disContent_loss"] = terms.get("content_discriminator/total", 0.0)
    prefixes = {"content_discriminator": "D_content/", "reconstruction": "EG/", "random": "G_alone/"}
    for phase, found in gradients.items():
        scalars |= norms(prefixes.get(phase, ""), found, NETWORKS)
    outputs = _translations(method, batch, params, states)
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: float(value) for name, value in scalars.items() if name in case.scalars},
    )


def _translations(method: DritDomains, batch: dict[str, jax.Array], params: Any, states: Any) -> dict[str, np.ndarray]:
    """Images of all kinds, those of the halves one after the other."""

    @jax.jit
    def translate(params: Any, states: Any) -> dict[str, jax.Array]:
        nets, rng, pairs = Nets(modules(method), params, states, train=True), jax.random.key(0), method.pairs(batch)
        content = method.encode_content(nets, pairs.image, rng)
        attribute = method.encode_attribute(nets, pairs.image, BRANCH, rng, "attribute", pairs.domain).code
        swapped, random = method.decode(nets, pairs.domain, (swap(content), attribute), method.random(content, rng))
        content = method.encode_content(nets, swapped, rng, "content_again")
        attribute = method.encode_attribute(nets, swapped, BRANCH, rng, "attribute_again", pairs.domain).code
        (cycled,) = method.decode(nets, pairs.domain, (swap(content), attribute))
        return {"encoded": swapped, "random": random, "recon": cycled}

    outputs = {}
    for name, images in translate(params, states).items():
        halves = [thinned(half) for half in separate(images, 2)]
        outputs[f"fake_{name}_img"] = np.concatenate(halves)
        outputs |= {f"fake_{upper}_{name}": half for upper, half in zip("AB", halves, strict=True)}
    return outputs

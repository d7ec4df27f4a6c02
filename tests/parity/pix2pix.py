"""pix2pix's reference cases: the authors' options to our config, and what each kind of case computes."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from ml_collections import ConfigDict

from configs.pix2pix import get_config
from jaxsyn.methods import Nets
from jaxsyn.methods.pix2pix import Pix2pix
from jaxsyn.training.step import phase_gradients
from tests.parity import translators
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape, split
from tests.parity.translators import Options


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("custom")
    translators.apply_options(config, options, norm="batch", gan_mode="vanilla")
    config.loss.weights.l1 = options.get("lambda_L1", 100.0)
    return config


def templates(options: Options) -> dict[str, Template]:
    """Both networks; the discriminator of a case of its own counts its input's channels by itself."""
    method = Pix2pix(config_of(options))
    names, rng, inputs = method.checkpoint_names(), jax.random.key(0), options.get("input_nc", 3)
    judged = inputs + options.get("output_nc", 3) if "ngf" in options else inputs
    size = 2**method.config.model.unet.num_downs
    channels = {"generator": inputs, "discriminator": judged}
    return {
        name: Template(jax.eval_shape(network.init, rng, shape((1, size, size, channels[name]))), names[name])
        for name, network in method.networks().items()
    }


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    method = Pix2pix(config_of(case.config))
    if len(variables) > 1:
        return _losses(method, case, variables)
    if "generator" in variables:
        return translators.generator(method, case, variables, "generator")
    return translators.discriminator(method, case, variables, "discriminator")


def _losses(method: Pix2pix, case: Case, variables: dict[str, Any]) -> Results:
    """Terms and gradient norms of both phases, without the update between them."""
    params, states = split(variables)
    states["generator"] |= translators.dropout_masks(method, case)
    source, image = (jnp.asarray(nchw_to_nhwc(case.inputs[name])) for name in ("real_A", "real_B"))
    batch, rng, kept, after = {"source": source, "image": image}, jax.random.key(0), {}, states
    gradients, terms = {}, {}
    for phase in method.phases():
        run = jax.jit(
            lambda params, states, kept, p=phase: phase_gradients(method, p, params, states, {}, batch, rng, kept)
        )
        found = run(params, after, kept)
        after, kept = found.states, found.kept
        gradients |= found.gradients
        terms[phase.name] = found.terms
    weights = method.config.loss.weights
    scalars = {
        "G_GAN": terms["generator"]["adversarial"],
        "G_L1": terms["generator"]["l1"] * weights.l1,
        "loss_G": terms["generator"]["total"],
        "D_fake": terms["discriminator"]["fake"],
        "D_real": terms["discriminator"]["real"],
        "loss_D": terms["discriminator"]["total"],
    }
    scalars |= {f"grad_norm_{name}": optax.global_norm(tree) for name, tree in gradients.items()}
    outputs = _images(method, case, batch, params, states)
    outputs |= translators.after_pass(method, case, params, after["generator"], "generator")
    return Results(outputs, {name: float(value) for name, value in scalars.items() if name in case.scalars})


def _images(method: Pix2pix, case: Case, batch: Any, params: Any, states: Any) -> dict[str, Any]:
    @jax.jit
    def call(params: Any, states: Any) -> tuple[jax.Array, ...]:
        nets = Nets(method.networks(), params, states, train=case.mode == "train")
        fake = method.synthesize(nets, batch["source"], jax.random.key(0))
        return fake, *(method.discriminate(nets, batch["source"], x) for x in (fake, batch["image"]))

    names = ("fake_B", "pred_fake", "pred_real")
    found = dict(zip(names, map(nhwc_to_nchw, call(params, states)), strict=True))
    return {name: array for name, array in found.items() if name in case.outputs}

"""The options of MUNIT's and UNIT's code, which are one code base, and what their reference cases share."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from jaxsyn.interop.state_dict import from_state_dict
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.methods import Batch, Frozen, Nets, Terms
from jaxsyn.methods.two_domains import DOMAINS, TwoDomains
from jaxsyn.networks.vgg import TORCH_RULES
from jaxsyn.training.optimizer import make_optimizer
from jaxsyn.training.state import TrainState, modules
from jaxsyn.training.step import phase_gradients, train_step
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape
from tests.parity.weight_rule import vgg_state
from tests.parity.wide import in_float64, widened

Options = Mapping[str, Any]
GAN_TYPES = {"lsgan": "least_squares", "nsgan": "cross_entropy"}
NORMS = {"none": "none", "bn": "batch", "in": "instance", "ln": "layer", "sn": "spectral"}
ACTIVATIONS = {"lrelu": "leaky_relu"}
PADDINGS = {"zero": "zeros"}
INITS = {"gaussian": "normal", "default": "lecun_uniform"}
PREFIXES = ((r"^generator_", "gen_"), (r"^discriminator_", "dis_"))
SIZE = 64


class GivenDraws(TwoDomains):
    """Stands before a method: the reference's channels; the draws lie in the batch, under the case's names.

    VGG computes in float32 whatever the others do: nothing of its result is near an edge, and it takes the longest.
    """

    def __init__(self, config: ConfigDict, options: Options):
        super().__init__(config)
        self.options, self.update = options, "gen"

    def networks(self) -> dict[str, nn.Module]:
        counts = {f"generator_{domain}": count for domain, count in channels(self.options).items()}
        return {
            name: network.clone(out_channels=counts[name]) if name in counts else network
            for name, network in super().networks().items()
        }

    def frozen(self) -> dict[str, Frozen]:
        frozen = super().frozen()
        return {name: replace(one, module=one.module.clone(dtype=jnp.float32)) for name, one in frozen.items()}

    def discriminator_loss(self, nets: Nets, batch: Batch, rng: jax.Array) -> tuple[jax.Array, Terms]:
        self.update = "dis"
        found = super().discriminator_loss(nets, batch, rng)
        self.update = "gen"
        return found


def apply_options(config: ConfigDict, options: Options) -> None:
    """Sets networks and optimiser by the reference's options; one that a case leaves out is as in its recipes.

    A case of one network has that network's options alone, without the `gen` or `dis` around them.
    """
    gen, dis = options.get("gen", options), options.get("dis", options)
    common = {"num_downsamplings": gen.get("n_downsample", 2), "num_blocks": gen.get("n_res", 4)}
    config.model.generator.update(width=gen.get("dim", 64), **_kinds(gen, "relu"), **common)
    config.model.discriminator.update(
        width=dis.get("dim", 64),
        num_layers=dis.get("n_layer", 4),
        num_scales=dis.get("num_scales", 3),
        norm=NORMS[dis.get("norm", "none")],
        **_kinds(dis, "lrelu"),
    )
    config.model.init = INITS.get(options.get("init", "kaiming"), options.get("init", "kaiming"))
    config.loss.adversarial = GAN_TYPES[dis.get("gan_type", "lsgan")]
    config.loss.weights.adversarial = float(options.get("gan_w", 1))
    config.loss.weights.reconstruction = float(options.get("recon_x_w", 10))
    config.loss.weights.perceptual = float(options.get("vgg_w", 0))
    optimizer = config.optimizer
    optimizer.b1, optimizer.b2 = options.get("beta1", 0.5), options.get("beta2", 0.999)
    optimizer.weight_decay = float(options.get("weight_decay", 1e-4))
    optimizer.learning_rate = ConfigDict(dict.fromkeys(optimizer.learning_rate, options.get("lr", 1e-4)))
    # The cases' steps do not count for the schedule.
    optimizer.decay_every = 0


def _kinds(options: Options, activation: str) -> dict[str, str]:
    activation, padding = options.get("activ", activation), options.get("pad_type", "reflect")
    return {"activation": ACTIVATIONS.get(activation, activation), "padding": PADDINGS.get(padding, padding)}


def channels(options: Options) -> dict[str, int]:
    """Domain -> channels of its images."""
    alone = options.get("input_dim", 3)
    return {domain: options.get(f"input_dim_{domain}", alone) for domain in DOMAINS}


def templates(method: TwoDomains, options: Options) -> dict[str, Template]:
    """`trainer`, which holds all four networks, and one of either kind under the names that cases have for them."""
    names, rng, networks = method.checkpoint_names(), jax.random.key(0), method.networks()
    counts, variables = channels(options), {}
    for name, network in networks.items():
        image = shape((1, SIZE, SIZE, counts[name[-1]]))
        call = {"method": "encode"} if name.startswith("generator") else {}
        variables[name] = jax.eval_shape(lambda x, network=network, call=call: network.init(rng, x, **call), image)
    found = {
        alone: Template(variables[name], names[name])
        for name in ("generator_a", "discriminator_a")
        for alone in (name[:-2], name[:3])
    }
    rules = (*names["generator_a"], *names["discriminator_a"], *PREFIXES)
    return found | {"trainer": Template(_join(variables), rules)}


def _join(variables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Network -> collections, as collection -> networks."""
    joined: dict[str, Any] = {}
    for name, collections in variables.items():
        for collection, tree in collections.items():
            joined.setdefault(collection, {})[name] = tree
    return joined


def _split(trainer: Mapping[str, Any], names: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Network -> parameters, and network -> other collections."""
    states = {
        name: {c: trees[name] for c, trees in trainer.items() if c != "params" and name in trees} for name in names
    }
    return dict(trainer["params"]), states


def discriminator(method: TwoDomains, case: Case, variables: Mapping[str, Any]) -> Results:
    """Logits and statistics of the hidden layers, and both losses; spectral norm iterates in every pass."""
    network, kind = method.discriminator(), method.config.loss.adversarial
    collections = [c for c in variables if c == "spectral" or (c == "batch_stats" and case.mode == "train")]

    @jax.jit
    def call(variables: Any, image: jax.Array) -> tuple[list[list[jax.Array]], Any]:
        layers, updated = network.apply(variables, image, mutable=collections)
        return layers, {**variables, **updated}

    image, fake = (jnp.asarray(nchw_to_nhwc(case.inputs[name])) for name in ("image", "fake"))
    scales, variables = call(variables, image)
    on_fake, variables = call(variables, fake)
    on_real, variables = call(variables, image)
    on_fake_again, _ = call(variables, fake)
    outputs = {}
    for i, layers in enumerate(scales):
        outputs[f"scale{i}_out"] = nhwc_to_nchw(layers[-1])
        for j, x in enumerate(layers[:-1]):
            outputs[f"scale{i}_layer{j}"] = statistics(x)
    real_logits, fake_logits, again = ([layers[-1] for layers in found] for found in (on_real, on_fake, on_fake_again))
    scalars = {
        "calc_dis_loss(fake, image)": len(scales) * sum(discriminator_loss(real_logits, fake_logits, kind)),
        "calc_gen_loss(fake)": len(scales) * generator_loss(again, kind),
    }
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: float(value) for name, value in scalars.items() if name in case.scalars},
    )


def statistics(x: jax.Array) -> np.ndarray:
    """Mean and deviation over positions: [B, H, W, C] -> [B, C, 2]."""
    return np.stack([np.mean(x, (1, 2)), np.std(x, (1, 2))], axis=-1)


def frozen_of(method: TwoDomains) -> dict[str, Any]:
    """Parameters of VGG-16 by the weight rule, where the method has it."""
    return {name: vgg_parameters(frozen.module) for name, frozen in method.frozen().items()}


def vgg_parameters(network: nn.Module) -> dict[str, Any]:
    """VGG-16's parameters by the weight rule."""
    template = jax.eval_shape(network.init, jax.random.key(0), shape((1, 32, 32, 3)))
    return from_state_dict(vgg_state(depth=16), template, TORCH_RULES)["params"]


@in_float64
def losses(
    method: TwoDomains, case: Case, trainer: Mapping[str, Any], terms_of: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Results:
    """Terms and gradient norms of both phases without an update, and the translations.

    Args:
        terms_of: from terms as PHASE/TERM to the reference's scalars.
    """
    params, states = _split(trainer, method.networks())
    frozen, batch, rng = frozen_of(method), batch_of(case), jax.random.key(0)
    terms, gradients = {}, {}
    for phase in method.phases():
        run = jax.jit(lambda p, s, f, b, phase=phase: phase_gradients(method, phase, p, s, f, b, rng))
        found = run(params, states, frozen, batch)
        states = found.states
        gradients |= found.gradients
        terms |= {f"{phase.name}/{name}": value for name, value in found.terms.items()}
    scalars = terms_of(terms) | _norms(gradients)
    return Results(
        _translations(method, case, batch, params, states),
        {name: float(value) for name, value in scalars.items() if name in case.scalars},
    )


def _norms(gradients: Mapping[str, Any]) -> dict[str, jax.Array]:
    theirs = {"content_encoder": "enc_content", "style_encoder": "enc_style", "encoder": "enc", "decoder": "dec"}
    norms = {}
    for ours, short in (("generator", "gen"), ("discriminator", "dis")):
        norms[f"grad_{short}"] = optax.global_norm([gradients[f"{ours}_{domain}"] for domain in DOMAINS])
        for domain in DOMAINS:
            tree = gradients[f"{ours}_{domain}"]
            norms[f"grad_{short}_{domain}"] = optax.global_norm(tree)
            parts = {theirs.get(part, part): part for part in tree}
            norms |= {f"grad_{short}_{domain}.{name}": optax.global_norm(tree[p]) for name, p in parts.items()}
    return norms


def _translations(
    method: TwoDomains, case: Case, batch: Mapping[str, jax.Array], params: Any, states: Any
) -> dict[str, np.ndarray]:
    """Every fourth row and column of what the generators' update translates."""

    @jax.jit
    def translate(params: Any, states: Any, batch: Any) -> dict[str, jax.Array]:
        nets = Nets(modules(method), params, states, train=case.mode == "train")
        return method.translations(nets, batch, jax.random.key(0))

    fake = translate(params, states, batch)
    outputs = {"x_ba": fake["a"], "x_ab": fake["b"]}
    return {name: nhwc_to_nchw(x)[:, :, ::4, ::4] for name, x in outputs.items() if name in case.outputs}


def batch_of(case: Case, step: str = "") -> dict[str, jax.Array]:
    """The images, and the draws of an iteration under the case's names for them, NHWC."""
    batch = {"source": case.inputs["x_a"], "image": case.inputs["x_b"]}
    for name, array in case.inputs.items():
        if name.startswith(("dis_", "gen_")) and name.endswith(step):
            batch[name.removesuffix(step)] = array
    return {name: jnp.asarray(widened(nchw_to_nhwc(array))) for name, array in batch.items()}


@in_float64
def iterations(
    method: TwoDomains, case: Case, trainer: Mapping[str, Any], terms_of: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Results:
    """Terms of several training steps, each with draws of its own."""
    params, states = _split(trainer, method.networks())
    optimizers = {name: make_optimizer(method.config.optimizer).init(tree) for name, tree in params.items()}
    state, frozen = TrainState(jnp.zeros((), jnp.int32), params, states, optimizers, {}), frozen_of(method)
    run = jax.jit(lambda state, frozen, batch: train_step(method, method.config, state, frozen, batch))
    scalars = {}
    for step in range(1, 1 + max(int(name.split("/")[0].removeprefix("step")) for name in case.scalars)):
        state, terms = run(state, frozen, batch_of(case, f"_{step}"))
        scalars |= {f"step{step}/{name}": float(value) for name, value in terms_of(terms).items()}
    return Results({}, {name: value for name, value in scalars.items() if name in case.scalars})


def shared_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The scalars that both methods' cases have, from terms as PHASE/TERM."""
    scalars = {"loss_dis_total": terms["discriminator/total"], "loss_gen_total": terms["generator/total"]}
    for domain in DOMAINS:
        scalars[f"loss_dis_{domain}"] = terms[f"discriminator/real_{domain}"] + terms[f"discriminator/fake_{domain}"]
        scalars[f"loss_gen_adv_{domain}"] = terms[f"generator/adversarial_{domain}"]
        scalars[f"loss_gen_vgg_{domain}"] = terms.get(f"generator/perceptual_{domain}", 0.0)
        scalars[f"loss_gen_recon_x_{domain}"] = terms[f"generator/reconstruction_{domain}"]
    return scalars

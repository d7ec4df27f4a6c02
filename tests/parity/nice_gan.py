"""NICE-GAN's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.nice_gan import get_config
from jaxsyn.methods import Nets
from jaxsyn.methods.nice_gan import DISCRIMINATORS, DOMAINS, GENERATORS, NiceGan
from jaxsyn.training.optimizer import make_optimizer
from jaxsyn.training.state import TrainState
from jaxsyn.training.step import phase_gradients, phase_update
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape, split
from tests.parity.translators import Options, after_pass

LETTERS = {"source": "A", "image": "B"}
NETWORKS = {
    "gen2B": "generator",
    "gen2A": "source_generator",
    "disA": "source_discriminator",
    "disB": "discriminator",
}
# A case of one network calls it by its kind.
ALONE = {"generator": "generator", "discriminator": "discriminator"}
# Prefix of the reference's scalars -> term, in each phase.
TERMS = {
    "discriminator": {"D_ad_loss_G": "global", "D_ad_loss_L": "local", "D_ad_cam_loss_": "cam"},
    "generator": {
        "G_ad_loss_G": "global",
        "G_ad_loss_L": "local",
        "G_ad_cam_loss_": "cam",
        "G_cycle_loss_": "cycle",
        "G_recon_loss_": "reconstruction",
    },
}
TOTALS = {"discriminator": ("D_loss", "Discriminator_loss"), "generator": ("G_loss", "Generator_loss")}


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("custom")
    width, light = options.get("ch", 64), options.get("light", False)
    channels = options.get("img_ch", 3)
    config.model.generator.update(width=width, num_blocks=options.get("n_res", 6), light=light, out_channels=channels)
    config.model.discriminator.update(width=width, num_layers=options.get("n_dis", 7))
    for ours, theirs in (("adversarial", "adv"), ("cycle", "cycle"), ("reconstruction", "recon")):
        weights = config.loss.weights
        weights[ours] = float(options.get(f"{theirs}_weight", weights[ours]))
    optimizer = config.optimizer
    optimizer.learning_rate = ConfigDict(dict.fromkeys(optimizer.learning_rate, options.get("lr", 1e-4)))
    optimizer.weight_decay = options.get("weight_decay", 1e-4)
    optimizer.decay_steps = 0
    config.data.height = config.data.width = options.get("img_size", 256)
    return config


def templates(options: Options) -> dict[str, Template]:
    """All four networks, and one of either kind under the name that a case of its own has."""
    method, rng = NiceGan(config_of(options)), jax.random.key(0)
    names, networks, model = method.checkpoint_names(), method.networks(), method.config.model
    size, channels = method.config.data.height, options.get("img_ch", 3)
    inputs = dict.fromkeys(GENERATORS.values(), shape((1, size // 4, size // 4, 2 * model.discriminator.width)))
    smallest = 3 * 2 ** (model.discriminator.num_layers - 2)
    inputs |= dict.fromkeys(DISCRIMINATORS.values(), shape((1, smallest, smallest, channels)))
    return {
        theirs: Template(jax.eval_shape(networks[ours].init, rng, inputs[ours]), names[ours])
        for theirs, ours in {**NETWORKS, **ALONE}.items()
    }


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    method = NiceGan(config_of(case.config))
    if len(variables) == 1:
        ((name, tree),) = variables.items()
        ours = {**NETWORKS, **ALONE}[name]
        return (_generator if ours in GENERATORS.values() else _discriminator)(method, case, {ours: tree}, ours)
    variables = {NETWORKS[name]: tree for name, tree in variables.items()}
    iterations = any(name.startswith(("i0_", "grad_i0_")) for name in case.scalars)
    return (_iterations if iterations else _losses)(method, case, variables)


def _generator(method: NiceGan, case: Case, variables: dict[str, Any], network: str) -> Results:
    code = jnp.asarray(nchw_to_nhwc(case.inputs["z"]))

    @jax.jit
    def call(variables: Any, code: jax.Array) -> Any:
        nets = Nets(method.networks(), *split(variables), train=False)
        generator = getattr(nets, network)
        return generator(code), *generator(code, method="start")[1]

    image, gamma, beta = call(variables, code)
    outputs = {"image": nhwc_to_nchw(image), "gamma": np.asarray(gamma), "beta": np.asarray(beta)}
    return Results({name: array for name, array in outputs.items() if name in case.outputs})


def _discriminator(method: NiceGan, case: Case, variables: dict[str, Any], network: str) -> Results:
    params, states = split(variables)
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))

    @jax.jit
    def call(params: Any, states: Any, image: jax.Array) -> Any:
        nets = Nets(method.networks(), params, states, train=case.mode == "train")
        return getattr(nets, network)(image), nets.states[network]

    (logits, code), after = call(params, states, image)
    outputs = {
        "logit_local": nhwc_to_nchw(logits["local"]),
        "logit_global": nhwc_to_nchw(logits["global"]),
        "cam_logit": np.asarray(logits["cam"]),
        "heatmap": nhwc_to_nchw(code.sum(-1, keepdims=True)),
        "z": nhwc_to_nchw(code),
    }
    outputs |= after_pass(method, case, params, after, network)
    return Results({name: array for name, array in outputs.items() if name in case.outputs})


def _batch_of(case: Case) -> dict[str, jax.Array]:
    return {domain: jnp.asarray(nchw_to_nhwc(case.inputs[f"real_{LETTERS[domain]}"])) for domain in DOMAINS}


def _losses(method: NiceGan, case: Case, variables: dict[str, Any]) -> Results:
    """Terms and gradient norms of both phases without the update between them, and translations."""
    (params, states), batch, rng = split(variables), _batch_of(case), jax.random.key(0)
    outputs = _translations(method, params, states, batch)
    scalars = {}
    for phase in method.phases():
        step = jax.jit(lambda p, s, phase=phase: phase_gradients(method, phase, p, s, {}, batch, rng))
        gradients, terms, states, _ = step(params, states)
        scalars |= _scalars(method, phase.name, terms) | _norms(gradients, "")
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: value for name, value in scalars.items() if name in case.scalars},
    )


def _iterations(method: NiceGan, case: Case, variables: dict[str, Any]) -> Results:
    """Terms and gradient norms of several training steps, and how far the parameters went."""
    (params, states), batch, rng = split(variables), _batch_of(case), jax.random.key(0)
    optimizers = {name: make_optimizer(method.config.optimizer).init(tree) for name, tree in params.items()}
    state = TrainState(jnp.zeros((), jnp.int32), params, states, optimizers, {})

    def step(state: TrainState, phase: Any) -> Any:
        gradients = phase_gradients(method, phase, state.params, state.states, {}, batch, rng).gradients
        after, terms, _ = phase_update(method, method.config, phase, state, {}, batch, rng, {})
        return after, terms, gradients

    steps = {phase.name: jax.jit(lambda state, phase=phase: step(state, phase)) for phase in method.phases()}
    scalars: dict[str, float] = {}
    for i in range(case.config["iterations"]):
        for phase, run in steps.items():
            state, terms, gradients = run(state)
            scalars |= {f"i{i}_{name}": value for name, value in _scalars(method, phase, terms).items()}
            scalars |= _norms(gradients, f"i{i}_")
    moved = {}
    for theirs, ours in NETWORKS.items():
        distance = jax.tree.map(jnp.subtract, state.params[ours], params[ours])
        moved[f"moved_{theirs}"] = float(optax.global_norm(distance))
    scalars |= moved
    return Results(
        {},
        {name: value for name, value in scalars.items() if name in case.scalars},
        dict.fromkeys(moved, 1e-3),
    )


def _scalars(method: NiceGan, phase: str, terms: Mapping[str, jax.Array]) -> dict[str, float]:
    """The reference's scalars of a phase: terms, weighted sums by domain, and what is differentiated."""
    by_domain, total = TOTALS[phase]
    scalars = {total: float(terms["total"])}
    for domain, letter in LETTERS.items():
        names = {f"{prefix}{letter}": f"{term}_{domain}" for prefix, term in TERMS[phase].items()}
        scalars |= {theirs: float(terms[ours]) for theirs, ours in names.items()}
        scalars[f"{by_domain}_{letter}"] = float(method.weigh({ours: terms[ours] for ours in names.values()})[0])
    return scalars


def _norms(gradients: Mapping[str, Any], prefix: str) -> dict[str, float]:
    norms = {theirs: optax.global_norm(gradients[ours]) for theirs, ours in NETWORKS.items() if ours in gradients}
    norms["generators" if "gen2A" in norms else "discriminators"] = optax.global_norm(gradients)
    return {f"grad_{prefix}{name}": float(norm) for name, norm in norms.items()}


def _translations(method: NiceGan, params: Any, states: Any, batch: Mapping[str, jax.Array]) -> dict[str, np.ndarray]:
    @jax.jit
    def translate(params: Any, states: Any) -> dict[str, jax.Array]:
        nets, images = Nets(method.networks(), params, states, train=True), {}
        codes = {domain: method.judge(nets, domain, batch[domain]).code for domain in DOMAINS}
        for domain, other in DOMAINS.items():
            way = f"fake_{LETTERS[other]}2{LETTERS[domain]}"
            images[way] = method.decode(nets, domain, codes[other])
            cycled = method.decode(nets, other, method.judge(nets, domain, images[way]).code)
            images[f"{way}2{LETTERS[other]}"] = cycled
            images[f"fake_{LETTERS[domain]}2{LETTERS[domain]}"] = method.decode(nets, domain, codes[domain])
        return images

    return {name: nhwc_to_nchw(image) for name, image in translate(params, states).items()}

"""StarGAN's reference cases: the authors' options to our config, and what each kind of case computes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.stargan import get_config
from jaxsyn.methods import Nets
from jaxsyn.methods.stargan import LabelSet, StarGan
from jaxsyn.networks.stargan_discriminator import SLOPE
from jaxsyn.training.step import phase_gradients
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape, split

Options = Mapping[str, Any]
# A case's data set by the kind of its labels, and how the names of inputs and scalars may tell it.
SETS = {"attributes": re.compile(r"celeba?|(?<!\d)1(?!\d)", re.I), "domains": re.compile(r"rafd|(?<!\d)2(?!\d)", re.I)}
ITERATION = re.compile(r"(?<![a-z])i(\d+)(?![a-z0-9])")
TERMS = {
    "discriminator": {"real": "real", "fake": "fake", "cls": "classification", "gp": "gradient_penalty"},
    "generator": {"fake": "adversarial", "cls": "classification", "rec": "reconstruction"},
}


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("celeba")
    joint = "c2_dim" in options and options.get("dataset", "Both") == "Both"
    of_attributes = joint or options.get("dataset", "CelebA") == "CelebA"
    first = tuple(f"label_{i}" for i in range(options.get("c_dim", 5)))
    config.data.attributes = first if of_attributes else ()
    config.data.domains = tuple(map(str, range(options["c2_dim"]))) if joint else () if of_attributes else first
    model = config.model
    model.generator.update(width=options.get("g_conv_dim", 64), num_blocks=options.get("g_repeat_num", 6))
    model.discriminator.update(width=options.get("d_conv_dim", 64), num_layers=options.get("d_repeat_num", 6))
    weights = config.loss.weights
    weights.classification = options.get("lambda_cls", 1.0)
    weights.reconstruction, weights.gradient_penalty = (options.get(name, 10.0) for name in ("lambda_rec", "lambda_gp"))
    config.loss.num_critic = options.get("n_critic", 5)
    rates = {"generator": options.get("g_lr", 1e-4), "discriminator": options.get("d_lr", 1e-4)}
    config.optimizer.learning_rate = ConfigDict(rates)
    config.optimizer.b1, config.optimizer.b2 = options.get("beta1", 0.5), options.get("beta2", 0.999)
    config.optimizer.decay_steps = 0
    return config


class GivenDraws(StarGan):
    """StarGAN with a case's draws of one step: kind of labels -> order of targets, alpha."""

    def __init__(self, options: Options):
        super().__init__(config_of(options))
        self.given: dict[str, tuple[jax.Array, jax.Array]] = {}

    def draws(self, labels: LabelSet, rng: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
        return self.given[labels.kind]


def templates(options: Options) -> dict[str, Template]:
    """The generator and the discriminator."""
    method = GivenDraws(options)
    sets, size = len(method.label_sets()), options.get("image_size", 2**method.config.model.discriminator.num_layers)
    told = method.num_labels + (sets if sets > 1 else 0)
    inputs = {"generator": (shape((1, 64, 64, 3)), shape((1, told))), "discriminator": (shape((1, size, size, 3)),)}
    names, networks = method.checkpoint_names(), method.networks()
    return {
        name: Template(jax.eval_shape(networks[name].init, jax.random.key(0), *inputs[name]), names[name])
        for name in inputs
    }


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    method = GivenDraws(case.config)
    if len(variables) == 2:
        return _steps(method, case, variables)
    ((name, tree),) = variables.items()
    network, image = method.networks()[name], jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    if name == "generator":
        made = jax.jit(network.apply)(tree, image, jnp.asarray(case.inputs["label"]))
        return Results({"image": nhwc_to_nchw(made)})
    judged, seen = jax.jit(lambda v, x: network.apply(v, x, capture_intermediates=True))(tree, image)
    layers = [seen["intermediates"][f"conv_{i}"]["__call__"][0] for i in range(network.num_layers)]
    activated = [np.where(x > 0, x, SLOPE * x) for x in map(np.asarray, layers)]
    stats = np.array([[x.mean(), x.std()] for x in activated])
    outputs = {"logit_src": nhwc_to_nchw(judged.patches), "logit_cls": judged.labels, "block_stats": stats}
    return Results({name: np.asarray(array) for name, array in outputs.items() if name in case.outputs})


def _steps(method: GivenDraws, case: Case, variables: dict[str, Any]) -> Results:
    """Terms and gradient norms of all iterations, whose updates are made where the case has learning rates."""
    params, states = split(variables)
    first, adam = params, optax.scale_by_adam(b1=method.config.optimizer.b1, b2=method.config.optimizer.b2)
    updates, moments = "g_lr" in case.config, {name: adam.init(params[name]) for name in params}
    batch, scalars, outputs = _batch(method, case), {}, {}
    order, alpha = case.inputs, iter(_alphas(method, case))
    functions = {
        phase.name: jax.jit(lambda p, s, k, given, phase=phase: _gradients(method, phase, p, s, batch, k, given))
        for phase in method.phases()
    }
    for step in range(case.config.get("iterations", 1)):
        kept, given = {}, {}
        for phase in method.phases():
            (network,), (labels,) = phase.trains, phase.loss.args
            if network == "discriminator":
                given[labels.kind] = _of_set(method, order, "permutation", labels), next(alpha)
            elif updates and not phase.is_due(step):
                continue
            found = functions[phase.name](params, states, kept, given)
            states, kept = found.states, found.kept
            gradient = found.gradients[network]
            scalars |= _named(method, case, labels, network, step, found.terms, optax.global_norm(gradient))
            if updates:
                change, moments[network] = adam.update(gradient, moments[network])
                rate = method.config.optimizer.learning_rate[network]
                params = params | {network: jax.tree.map(lambda p, u, r=rate: p - r * u, params[network], change)}
            elif network == "generator":
                outputs |= _pictures(method, case, labels, step, params, states, batch, kept)
    for name in params:
        moved = optax.global_norm(jax.tree.map(jnp.subtract, params[name], first[name]))
        scalars[f"moved_{name}"] = float(moved)
    tolerances = {name: 1e-3 for name in scalars if "moved" in name} if "1e-3" in case.notes else {}
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: value for name, value in scalars.items() if name in case.scalars},
        {name: value for name, value in tolerances.items() if name in case.scalars},
    )


def _gradients(method: GivenDraws, phase: Any, params: Any, states: Any, batch: Any, kept: Any, given: Any) -> Any:
    method.given = given
    return phase_gradients(method, phase, params, states, {}, batch, jax.random.key(0), kept)


def _batch(method: GivenDraws, case: Case) -> dict[str, jax.Array]:
    batch = {}
    for labels in method.label_sets():
        image, label = (_of_set(method, case.inputs, kind, labels) for kind in ("image", "label"))
        batch[labels.image_key] = jnp.moveaxis(image, 1, -1)
        # Classes are numbers; one-hot ones are made so.
        is_vector = labels.kind == "domains" and label.ndim == 2
        batch[labels.label_key] = label.argmax(-1) if is_vector else label
    return batch


def _of_set(method: GivenDraws, inputs: Mapping[str, np.ndarray], kind: str, labels: LabelSet) -> jax.Array:
    """The input of that kind that belongs to a set of labels; one without a set's name belongs to all."""
    found = {name: array for name, array in inputs.items() if kind in name}
    if len(method.label_sets()) > 1:
        own = {name: array for name, array in found.items() if SETS[labels.kind].search(name)}
        others = [pattern for name, pattern in SETS.items() if name != labels.kind]
        free = {n: array for n, array in found.items() if not any(pattern.search(n) for pattern in others)}
        found = own or free
    (array,) = found.values()
    if kind == "permutation" and array.ndim == 2:
        array = array[method.label_sets().index(labels)]
    return jnp.asarray(array)


def _alphas(method: GivenDraws, case: Case) -> list[jax.Array]:
    """Alpha of every update of the discriminator, in order."""
    sets = method.label_sets()
    found = {name: array for name, array in case.inputs.items() if "alpha" in name}
    if len(found) == len(sets) > 1:
        rows = zip(*(np.atleast_2d(_of_set(method, found, "alpha", labels)) for labels in sets), strict=True)
        return [jnp.asarray(row) for rows_of_step in rows for row in rows_of_step]
    (array,) = found.values()
    batch = array.shape[-1]
    return [jnp.asarray(row) for row in array.reshape(-1, batch)]


def _named(
    method: GivenDraws, case: Case, labels: LabelSet, network: str, step: int, terms: Mapping[str, Any], norm: Any
) -> dict[str, float]:
    """The case's names of the terms of one update: those that name its step, its set (of two) and the term."""
    letter = network[0]
    values = {f"{letter}_{theirs}": terms[ours] for theirs, ours in TERMS[network].items()}
    values |= {f"{letter}_total": terms["total"], f"grad_{network}": norm}
    said = {name: _said(method, case.scalars, name, labels, step) for name in case.scalars}
    return {name: float(values[term]) for name, term in said.items() if term in values}


def _said(method: GivenDraws, names: Iterable[str], name: str, labels: LabelSet, step: int) -> str | None:
    """What a result's name says beside iteration and data set; None where it is about others than these.

    Where no name of a case of two sets tells a set, each iteration counts as two.
    """
    sets, number = method.label_sets(), step
    if len(sets) > 1:
        if not any(pattern.search(ITERATION.sub("", other)) for other in names for pattern in SETS.values()):
            number = len(sets) * step + sets.index(labels)
        elif not SETS[labels.kind].search(ITERATION.sub("", name)):
            return None
    iteration = ITERATION.search(name)
    if iteration and int(iteration[1]) != number:
        return None
    plain = SETS[labels.kind].sub("", ITERATION.sub("", name)) if len(sets) > 1 else ITERATION.sub("", name)
    return re.sub(r"_+", "_", plain).strip("_")


def _pictures(
    method: GivenDraws, case: Case, labels: LabelSet, step: int, params: Any, states: Any, batch: Any, kept: Any
) -> dict[str, np.ndarray]:
    """The translation and its way back, of one set."""

    @jax.jit
    def translate(params: Any, states: Any, image: jax.Array, label: jax.Array) -> jax.Array:
        nets = Nets(method.networks(), params, states, train=False)
        return method.translate(nets, image, method.label_vector(labels, label))

    fake = translate(params, states, batch[labels.image_key], kept[f"{labels.kind}_target"])
    made = {"fake": fake, "reconstruction": translate(params, states, fake, batch[labels.label_key])}
    said = {name: _said(method, case.outputs, name, labels, step) for name in case.outputs}
    return {name: nhwc_to_nchw(made[kind]) for name, kind in said.items() if kind in made}

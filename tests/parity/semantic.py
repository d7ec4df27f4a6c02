"""What the adapters of SPADE's line share: their cases of losses, iterations and discriminators are of one form."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import traverse_util
from ml_collections import ConfigDict

from jaxsyn.interop.state_dict import expected_shapes, from_state_dict, to_state_dict
from jaxsyn.layers import LabelMap, instance_edges
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.methods import Nets
from jaxsyn.methods.semantic import SemanticSynthesis
from jaxsyn.networks.vgg import TORCH_RULES, VGG19
from jaxsyn.training.state import TrainState, modules
from jaxsyn.training.step import phase_gradients, train_step
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.weight_rule import vgg_state

GAN_MODES = {"hinge": "hinge", "ls": "least_squares", "original": "cross_entropy", "w": "wasserstein"}
TERMS = {
    "G": {"GAN": "adversarial", "GAN_Feat": "feature_matching", "VGG": "perceptual", "KLD": "kl"},
    "D": {"D_Fake": "fake", "D_real": "real"},
}


def shape(dimensions: tuple[int, ...], dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
    """Stands for an array of this shape."""
    return jax.ShapeDtypeStruct(dimensions, dtype)


def templates(method: SemanticSynthesis, inputs: Mapping[str, tuple[Any, ...]]) -> dict[str, Template]:
    """Those of the method's networks that have inputs here, each by the shapes that it is called with."""
    names, rng = method.checkpoint_names(), jax.random.key(0)
    return {
        name: Template(jax.eval_shape(module.init, rng, *inputs[name]), names.get(name, ()))
        for name, module in method.networks().items()
        if name in inputs
    }


def split(variables: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters, and the other collections."""
    params = {name: tree["params"] for name, tree in variables.items()}
    states = {name: {k: v for k, v in tree.items() if k != "params"} for name, tree in variables.items()}
    return params, states


def nets_of(method: SemanticSynthesis, case: Case, variables: Mapping[str, Any]) -> Nets:
    """The networks in the case's mode."""
    params, states = split(variables)
    return Nets(method.networks(), params, states, train=case.mode == "train")


def with_given_noise(method: type[SemanticSynthesis]) -> type[SemanticSynthesis]:
    """The method, its constructor taking (config, noise): its style noise is a case's, where that has one."""

    class GivenNoise(method):
        def __init__(self, config: ConfigDict, noise: np.ndarray | None):
            super().__init__(config)
            self.given = noise

        def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
            return super().noise(shape, rng) if self.given is None else jnp.asarray(self.given)

    return GivenNoise


def batch_of(case: Case) -> dict[str, jax.Array]:
    """The case's label map, instance map and image."""
    batch = {name: jnp.asarray(label_map(case.inputs[name])) for name in ("label", "instance") if name in case.inputs}
    if "image" in case.inputs:
        batch["image"] = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    return batch


def discriminator(
    method: SemanticSynthesis, case: Case, variables: dict[str, Any], label: LabelMap | None = None
) -> Results:
    """Features of a multi-scale discriminator, and the GAN losses of its predictions."""
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    label = method.label_map(batch_of(case)) if label is None else label

    @jax.jit
    def features_of(variables: dict[str, Any]) -> list[list[jax.Array]]:
        return nets_of(method, case, variables).discriminator(label, (image,))[0]

    features = features_of(variables)
    outputs = {
        f"d{i}_f{j}": nhwc_to_nchw(feature) for i, scale in enumerate(features) for j, feature in enumerate(scale)
    }
    predictions = [scale[-1] for scale in features]
    scalars = {}
    for mode in {name.split("/")[0] for name in case.scalars}:
        kind = GAN_MODES[mode]
        scalars[f"{mode}/G"] = float(generator_loss(predictions, kind))
        real, fake = discriminator_loss(predictions, predictions, kind)
        scalars |= {f"{mode}/D_real": float(real), f"{mode}/D_fake": float(fake)}
    return Results(outputs, scalars)


def vgg() -> dict[str, Any]:
    """VGG-19's parameters by the weight rule."""
    template = jax.eval_shape(VGG19().init, jax.random.key(0), shape((1, 32, 32, 3)))
    state = vgg_state()
    used = {name: state[name] for name in expected_shapes(template, TORCH_RULES)}
    return from_state_dict(used, template, TORCH_RULES)["params"]


def frozen_of(method: SemanticSynthesis) -> dict[str, Any]:
    """Parameters of the networks that the method does not train."""
    return {"vgg": vgg()} if method.frozen() else {}


def losses(
    method: SemanticSynthesis,
    case: Case,
    variables: Mapping[str, Any],
    batch: Mapping[str, jax.Array],
    parts: Mapping[str, str] = MappingProxyType({}),
) -> Results:
    """Terms and gradient norms of both phases at the case's weights, and the generator's state and image.

    Args:
        parts: name of a gradient norm over a part of the networks -> regular expression of its parameters' paths.
    """
    frozen, (params, states), rng = frozen_of(method), split(variables), jax.random.key(0)
    weights = {**method.config.loss.weights}
    outputs, scalars = {}, {}
    for phase, prefix in zip(method.phases(), ("G", "D"), strict=True):
        step = jax.jit(lambda p, s, f, phase=phase: phase_gradients(method, phase, p, s, f, batch, rng))
        gradients, terms, after, _ = step(params, states, frozen)
        for theirs, ours in TERMS[prefix].items():
            if ours in terms:
                scalars[f"{prefix}/{theirs}"] = float(terms[ours]) * weights.get(ours, 1.0)
        scalars[f"{prefix}/total"] = float(terms["total"])
        for name in phase.trains:
            scalars[f"grad_norm/{name}"] = float(optax.global_norm(gradients[name]))
        flat = traverse_util.flatten_dict(gradients, sep="/")
        for name, pattern in parts.items():
            if found := [gradient for path, gradient in flat.items() if re.search(pattern, path)]:
                scalars[f"grad_norm/{name}"] = float(optax.global_norm(found))
        if prefix == "G":
            rules = method.checkpoint_names()["generator"]
            state = to_state_dict({"params": params["generator"], **after["generator"]}, rules)
            outputs |= {name: state[name.removeprefix("after_G/")] for name in case.outputs if name.startswith("after")}
    fake = nhwc_to_nchw(fake_image(method, batch)(params, states))
    every = {"fake": fake, "fake_every_2": fake[:, :, ::2, ::2]}
    outputs |= {name: array for name, array in every.items() if name in case.outputs}
    if "edge" in case.outputs:
        outputs["edge"] = nhwc_to_nchw(instance_edges(batch["instance"])).astype(np.uint8)
    return Results(outputs, scalars)


def fake_image(method: SemanticSynthesis, batch: Mapping[str, jax.Array]) -> Callable[[Any, Any], jax.Array]:
    """A compiled function of parameters and states: the image that training makes of the batch."""

    @jax.jit
    def image(params: Any, states: Any) -> jax.Array:
        nets, rng = Nets(modules(method), params, states, train=True), jax.random.key(0)
        return method.synthesize(nets, batch, method.encode(nets, batch, rng)[0], rng)

    return image


def iterations(
    method: SemanticSynthesis, case: Case, variables: Mapping[str, Any], batch: Mapping[str, jax.Array]
) -> Results:
    """Terms and images of several training steps; rounding grows from step to step, so later ones may differ more."""
    frozen, (params, states) = frozen_of(method), split(variables)
    adam = optax.scale_by_adam()
    optimizers = {name: adam.init(tree) for name, tree in params.items()}
    state = TrainState(jnp.zeros((), jnp.int32), params, states, optimizers, {})
    step = jax.jit(lambda state, frozen: train_step(method, method.config, state, frozen, batch))
    image = fake_image(method, batch)
    steps = 1 + max(int(name.split("/")[0].removeprefix("step")) for name in case.scalars)
    weights = {**method.config.loss.weights}
    outputs, scalars, tolerances = {}, {}, {}
    for i in range(steps):
        if f"fake_step{i}" in case.outputs:
            outputs[f"fake_step{i}"] = nhwc_to_nchw(image(state.params, state.states))
            tolerances[f"fake_step{i}"] = 1e-2
        state, terms = step(state, frozen)
        for prefix, phase in (("G", "generator"), ("D", "discriminator")):
            for theirs, ours in TERMS[prefix].items():
                if f"{phase}/{ours}" in terms:
                    name = f"step{i}/{prefix}/{theirs}"
                    scalars[name] = float(terms[f"{phase}/{ours}"]) * weights.get(ours, 1.0)
                    if i > 0:
                        tolerances[name] = 1e-3
    return Results(outputs, scalars, tolerances)

"""StarGAN v2's reference cases: the authors' options to our config, and what each kind of case computes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import traverse_util
from ml_collections import ConfigDict

from configs.stargan_v2 import get_config
from jaxsyn.layers.landmark_masks import landmark_masks
from jaxsyn.methods import Nets, Phase
from jaxsyn.methods.stargan_v2 import StarGanV2
from jaxsyn.networks.domain_heads import choose_domain
from jaxsyn.networks.face_alignment import FACE_ALIGNMENT_NAMES, FaceAlignment
from jaxsyn.training.optimizer import make_optimizer
from jaxsyn.training.state import TrainState
from jaxsyn.training.step import apply_gradients, phase_gradients, train_step
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape, split

Options = Mapping[str, Any]
PHASES = ("d_latent", "d_ref", "g_latent", "g_ref")
TERMS = {
    "d": {"real": "real", "fake": "fake", "reg": "r1", "total": "total"},
    "g": {"adv": "adversarial", "sty": "style", "ds": "diversity", "cyc": "cycle", "total": "total"},
}
IMAGES = {"x_real": "source", "x_ref": "image", "x_ref2": "second_image"}
STATISTICS = ("mean", "var")


class GivenDraws(StarGanV2):
    """StarGAN v2 with a case's latents, and its masks where it has some."""

    def __init__(self, options: Options, inputs: Mapping[str, np.ndarray]):
        super().__init__(config_of(options))
        self.given = inputs

    def latents(self, rng: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
        if "z_trg" not in self.given:
            return super().latents(rng, count)
        return jnp.asarray(self.given["z_trg"]), jnp.asarray(self.given["z_trg2"])

    def source_masks(self, nets: Nets, batch: Mapping[str, jax.Array]) -> jax.Array:
        masks = masks_of(self.given)
        return super().source_masks(nets, batch) if masks is None else masks

    def cycle_masks(self, nets: Nets, fake: jax.Array) -> jax.Array:
        masks = masks_of(self.given, of_fakes=True)
        return super().cycle_masks(nets, fake) if masks is None else masks


class WithoutPhases(GivenDraws):
    """StarGAN v2 whose training step makes no update."""

    def phases(self) -> tuple[Phase, ...]:
        return ()


def masks_of(inputs: Mapping[str, np.ndarray], *, of_fakes: bool = False) -> jax.Array | None:
    """The case's two masks, of translated images where it has those and they are asked for; None where it has none."""
    names = sorted(name for name in inputs if "mask" in name)
    of_others = [name for name in names if re.search("fake|cyc|rec|back", name)] or names[2:]
    chosen = of_others if of_fakes and of_others else [name for name in names if name not in of_others]
    if not chosen:
        return None
    return jnp.concatenate([jnp.asarray(nchw_to_nhwc(inputs[name])) for name in chosen], axis=-1)


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("afhq")
    size = options.get("img_size", 256)
    config.data.height = config.data.width = size
    config.data.domains = tuple(map(str, range(options.get("num_domains", 2))))
    model, weights, rates = config.model, config.loss.weights, config.optimizer.learning_rate
    model.width, model.max_width = options.get("dim_base", 2**14) // size, options.get("max_conv_dim", 512)
    model.style_dim, model.latent_dim = options.get("style_dim", 64), options.get("latent_dim", 16)
    model.hidden, model.high_pass = options.get("hidden_dim", 512), float(options.get("w_hpf", 1))
    names = {"lambda_reg": "r1", "lambda_sty": "style", "lambda_ds": "diversity", "lambda_cyc": "cycle"}
    weights.update({ours: float(options.get(theirs, 1)) for theirs, ours in names.items()})
    config.loss.diversity_steps = options.get("ds_iter", 100_000)
    rates.update(dict.fromkeys(rates, options.get("lr", 1e-4)))
    rates.mapping_network = options.get("f_lr", 1e-6)
    optimizer = config.optimizer
    optimizer.b1, optimizer.b2 = float(options.get("beta1", 0.0)), options.get("beta2", 0.99)
    optimizer.weight_decay = float(options.get("weight_decay", 1e-4))
    config.ema.decay = options.get("ema_beta", 0.999)
    return config


def templates(options: Options) -> dict[str, Template]:
    """The four networks, and the face alignment network with its statistics apart from its parameters."""
    method, rng = GivenDraws(options, {}), jax.random.key(0)
    model, names, networks = method.config.model, method.checkpoint_names(), method.networks()
    image = shape((1, method.size, method.size, 3))
    inputs = {
        "generator": (image, shape((1, model.style_dim))),
        "mapping_network": (shape((1, model.latent_dim)),),
        "style_encoder": (image,),
        "discriminator": (image,),
    }
    made = {
        name: Template(jax.eval_shape(networks[name].init, rng, *arrays), names[name])
        for name, arrays in inputs.items()
    }
    face_alignment = jax.eval_shape(FaceAlignment().init, rng, shape((1, 256, 256, 3)))["params"]
    flat = traverse_util.flatten_dict(face_alignment)
    parts = {
        "params": {path: leaf for path, leaf in flat.items() if path[-1] not in STATISTICS},
        "batch_stats": {path: leaf for path, leaf in flat.items() if path[-1] in STATISTICS},
    }
    apart = {name: traverse_util.unflatten_dict(part) for name, part in parts.items()}
    return made | {"fan": Template(apart, FACE_ALIGNMENT_NAMES)}


def joined(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the face alignment network, its statistics among them again."""
    parts = (traverse_util.flatten_dict(variables[name]) for name in ("params", "batch_stats"))
    return traverse_util.unflatten_dict({path: leaf for part in parts for path, leaf in part.items()})


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if "heatmap" in case.inputs:
        return _masks(case)
    if "discriminator" in variables and len(variables) > 1:
        return (_iterations if "iterations" in case.config else _losses)(case, variables)
    networks = GivenDraws(case.config, case.inputs).networks()
    ((name, tree),) = variables.items()
    if name == "fan":
        return _heatmaps(case, joined(tree))
    inputs = {key: nchw_to_nhwc(array) if array.ndim == 4 else array for key, array in case.inputs.items()}
    if name == "generator":
        return _generator(case, networks[name], tree, inputs)
    (array,) = (inputs[key] for key in inputs if key != "domain")
    heads, blocks = _apply(networks[name], tree, array)
    chosen, result = choose_domain(heads, inputs["domain"]), "logit" if name == "discriminator" else "style"
    return _asked(case, {result: chosen, f"{result}_all": heads, "block_stats": blocks})


def _apply(network: Any, variables: Any, *inputs: Any) -> tuple[jax.Array, np.ndarray]:
    """A network's output, and mean and deviation of its blocks' outputs, [number of blocks, 2]."""

    def is_block(module: Any, _: str) -> bool:
        return bool(re.match(r"(encode|decode|block)_\d+$", module.name or ""))

    call = jax.jit(
        lambda v, arrays: network.apply(v, *arrays, capture_intermediates=is_block, mutable=["intermediates"])
    )
    output, found = call(variables, inputs)
    flat = traverse_util.flatten_dict(found.get("intermediates", {}))
    # Encoders before decoders, each in order.
    order = sorted(flat, key=lambda path: (path[-2].startswith("decode"), int(path[-2].split("_")[1])))
    arrays = (np.asarray(flat[path][0], np.float64) for path in order)
    return output, np.array([(array.mean(), array.std()) for array in arrays], np.float32)


def _generator(case: Case, network: Any, variables: Any, inputs: Mapping[str, np.ndarray]) -> Results:
    image, blocks = _apply(network, variables, inputs["image"], inputs["style"], masks_of(case.inputs))
    return _asked(case, {"image": nhwc_to_nchw(image), "block_stats": blocks})


def _heatmaps(case: Case, params: Any) -> Results:
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    heatmaps = nhwc_to_nchw(jax.jit(FaceAlignment().apply)({"params": params}, image))
    stats = np.stack([heatmaps.mean((2, 3)), heatmaps.std((2, 3))], axis=-1)
    every = {"heatmap": heatmaps, "heatmap_stats": stats, "heatmap_slice": heatmaps[:, ::7, ::2, ::2]}
    return _asked(case, every)


def _masks(case: Case) -> Results:
    masks = np.asarray(jax.jit(landmark_masks)(jnp.asarray(nchw_to_nhwc(case.inputs["heatmap"]))))
    every = {f"mask{i}": masks[:, None, ::2, ::2, i] for i in range(2)}
    return _asked(case, {**every, "mask_sums": np.moveaxis(masks.sum(1), -1, 1)})


def _asked(case: Case, outputs: Mapping[str, Any]) -> Results:
    return Results({name: np.asarray(array) for name, array in outputs.items() if name in case.outputs})


def _batch(case: Case) -> dict[str, jax.Array]:
    batch = {ours: jnp.asarray(nchw_to_nhwc(case.inputs[theirs])) for theirs, ours in IMAGES.items()}
    return batch | {"source_domain": jnp.asarray(case.inputs["y_org"]), "domain": jnp.asarray(case.inputs["y_trg"])}


def _wide_phases(method: StarGanV2) -> list[Phase]:
    """The phases, each also with the gradients of networks that it does not train: cases give the encoder's too."""
    wide = ("generator", "style_encoder")
    return [replace(phase, trains=wide) if phase.trains == ("generator",) else phase for phase in method.phases()]


def _scalars(prefix: str, kind: str, terms: Mapping[str, Any], norms: Mapping[str, Any]) -> dict[str, float]:
    scalars = {f"{prefix}{kind}_{theirs}": float(terms[ours]) for theirs, ours in TERMS[kind[0]].items()}
    return scalars | {f"grad_{prefix}{kind}_{name}": float(norm) for name, norm in norms.items()}


def _losses(case: Case, variables: dict[str, Any]) -> Results:
    """Terms and gradient norms of the four phases, without updates between them, and the translated images."""
    method, batch, rng = GivenDraws(case.config, case.inputs), _batch(case), jax.random.key(0)
    frozen = {"face_alignment": joined(variables.pop("fan"))} if "fan" in variables else {}
    params, states = split(variables)

    @jax.jit
    def compute(params: Any, frozen: Any) -> tuple[list[Any], list[jax.Array]]:
        kept, found = {}, []
        for phase in _wide_phases(method):
            result = phase_gradients(method, phase, params, states, frozen, batch, rng, kept)
            kept = result.kept
            norms = {name: optax.global_norm(gradient) for name, gradient in result.gradients.items()}
            found.append((result.terms, norms))
        nets = Nets(method.networks(), params, states, train=False)
        styles = (
            method.latent_style(nets, method.latents(rng, 0)[0], batch["domain"]),
            method.reference_style(nets, batch["image"], batch["domain"]),
        )
        return found, [nets.generator(batch["source"], style, kept.get("masks")) for style in styles]

    found, fakes = compute(params, frozen)
    scalars = {}
    for kind, (terms, norms) in zip(PHASES, found, strict=True):
        scalars |= _scalars("", kind, terms, norms)
    outputs = {f"fake_{guide}": nhwc_to_nchw(fake) for guide, fake in zip(("latent", "reference"), fakes, strict=True)}
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: value for name, value in scalars.items() if name in case.scalars},
    )


def _iterations(case: Case, variables: dict[str, Any]) -> Results:
    """Terms and gradient norms of several training steps, and what they and the averages come to."""
    method, batch = GivenDraws(case.config, case.inputs), _batch(case)
    frozen = {"face_alignment": joined(variables.pop("fan"))} if "fan" in variables else {}
    params, states = split(variables)
    params = jax.tree.map(jnp.asarray, params)
    optimizers = {name: make_optimizer(method.config.optimizer).init(tree) for name, tree in params.items()}
    ema = {name: params[name] for name in method.config.ema.networks}
    state = TrainState(jnp.zeros((), jnp.int32), params, states, optimizers, ema)

    @jax.jit
    def step(state: TrainState, frozen: Any) -> tuple[TrainState, list[Any]]:
        kept, logs, rng = {}, [], jax.random.key(0)
        for phase, wide in zip(method.phases(), _wide_phases(method), strict=True):
            found = phase_gradients(method, wide, state.params, state.states, frozen, batch, rng, kept, state.step)
            norms = {name: optax.global_norm(gradient) for name, gradient in found.gradients.items()}
            state, kept = apply_gradients(method, method.config, phase, state, found), found.kept
            logs.append((found.terms, norms))
        # The averages and the count of steps come after the phases.
        return train_step(WithoutPhases(case.config, case.inputs), method.config, state, frozen, batch)[0], logs

    scalars = {}
    for i in range(case.config["iterations"]):
        state, logs = step(state, frozen)
        for kind, (terms, norms) in zip(PHASES, logs, strict=True):
            scalars |= _scalars(f"i{i}_", kind, terms, norms)
    scalars["lambda_ds_after"] = float(method.diversity_weight(state.step))
    for prefix, trees in (("moved_", state.params), ("moved_ema_", state.ema)):
        for name, tree in trees.items():
            moved = jax.tree.map(jnp.subtract, tree, params[name])
            scalars[prefix + name] = float(optax.global_norm(moved))
    outputs = {}
    for name, trees in (("style_after", state.params), ("style_ema_after", state.ema)):
        nets = Nets(method.networks(), trees, states, train=False)
        outputs[name] = np.asarray(method.latent_style(nets, method.latents(jax.random.key(0), 0)[0], batch["domain"]))
    moved = [name for name in scalars if name.startswith("moved_") and "1e-3" in case.notes]
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: value for name, value in scalars.items() if name in case.scalars},
        dict.fromkeys(moved, 1e-3),
    )

"""SMIS's reference cases: the authors' options to our config, and what each kind of case computes."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.smis import ade20k_generator, cityscapes_generator, deepfashion_generator, get_config
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import LabelMap, class_crops
from jaxsyn.methods import Nets
from jaxsyn.methods.smis import BLOCKS, LATENT_CHANNELS, Smis
from jaxsyn.training.state import modules
from tests.parity import semantic, spade
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import TERMS, shape

GENERATORS = {"deepfashion": deepfashion_generator, "cityscapes": cityscapes_generator, "ade20k": ade20k_generator}


def config_of(options: Mapping[str, Any]) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    theirs = spade.config_of({"num_upsampling_layers": "more", **options})
    mode = options.get("dataset_mode", "deepfashion")
    config = get_config(mode)
    config.data, config.loss, config.optimizer = theirs.data, theirs.loss, theirs.optimizer
    classes = options.get("semantic_nc", Smis(config).num_classes)
    generator = theirs.model.generator
    config.model.generator.update(
        GENERATORS[mode](options.get("ngf", 64), classes),
        norm=generator.norm,
        kernel_size=generator.kernel_size,
        upsampling=generator.upsampling,
        spectral=generator.spectral,
    )
    config.model.discriminator.update(theirs.model.discriminator)
    encoder_norm = options.get("norm_E", "spectralinstance")
    config.model.encoder.width = options.get("E_ndf", config.model.encoder.width)
    config.model.encoder.num_layers = 6 if options.get("crop_size", 256) >= 256 else 5
    config.model.encoder.spectral = "spectral" in encoder_norm
    config.model.encoder.normalized = "instance" in encoder_norm
    return config


def templates(options: dict[str, Any]) -> dict[str, Template]:
    """The networks that the options describe: a case of one network leaves out the others' widths."""
    method = Smis(config_of(options))
    size, classes = (1, method.config.data.height, method.config.data.width), method.num_classes
    edges = shape((*size, 1)) if method.config.data.use_instance else None
    label = LabelMap(shape(size, jnp.int32), edges, classes)
    inputs = {"discriminator": (label, (shape((*size, 3)),))}
    if "ngf" in options:
        inputs["generator"] = (label, shape((1, *method.start, classes, LATENT_CHANNELS)))
    if "E_ndf" in options:
        inputs["encoder"] = (shape((*size, classes, 3)),)
    return semantic.templates(method, inputs)


class GivenNoise(Smis):
    """SMIS whose latent noise is a case's, one of each step."""

    def __init__(self, config: ConfigDict, noise: np.ndarray):
        super().__init__(config)
        self.given = _by_class(noise)

    def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
        return self.given


def _by_class(array: np.ndarray) -> jax.Array:
    """[B, 8 N, h, w] -> [B, h, w, N, 8]."""
    array = nchw_to_nhwc(array)
    return jnp.asarray(array.reshape(*array.shape[:3], -1, LATENT_CHANNELS))


def _by_channel(array: jax.Array) -> np.ndarray:
    """[B, H, W, N, C] -> [B, N C, H, W]."""
    return nhwc_to_nchw(array.reshape(*array.shape[:3], -1))


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if case.case.startswith("losses"):
        return _losses(case, variables)
    functions = {"generator": _generator, "discriminator": _discriminator, "encoder": _encoder}
    return functions[next(iter(variables))](case, variables)


def _reduced(case: Case, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs that the case keeps: whole images, every other pixel of them, or statistics of features."""
    outputs = {}
    for name in case.outputs:
        base, _, kind = name.rpartition("_")
        if kind == "stats":
            array = arrays[base]
            array = array[:, ::8] if array.shape[1] >= 600 else array
            outputs[name] = np.stack([array.mean((0, 2, 3)), array.std((0, 2, 3))])
        elif kind == "slice":
            array = arrays[base]
            step = array.shape[-1] // case.outputs[name].shape[-1]
            outputs[name] = array[:, :, ::step, ::step]
        elif name in arrays:
            outputs[name] = arrays[name]
    return outputs


def _generator(case: Case, variables: dict[str, Any]) -> Results:
    method = Smis(config_of(case.config))
    network, rules = method.generator(), method.checkpoint_names()["generator"]
    label, latent = method.label_map(semantic.batch_of(case)), _by_class(case.inputs["z"])
    states = ["batch_stats", "spectral"] if case.mode == "train" else []

    @jax.jit
    def outcome(variables: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        options = {"capture_intermediates": True, "mutable": ["intermediates", *states]}
        return network.apply(variables, label, latent, **options)

    image, after = outcome(variables["generator"])
    features = after.pop("intermediates")
    arrays = {name: nhwc_to_nchw(features[name]["__call__"][0]) for name in ("fc", *BLOCKS)}
    state = to_state_dict({**variables["generator"], **after}, rules)
    for name in case.outputs:
        if found := re.fullmatch(r"after_(\w+?)_?(\d)_norm(\d|s)_(\w+)", name):
            block, index, norm, leaf = found.groups()
            arrays[name] = state[f"{block}_{index}.norm_{norm}.param_free_norm.{leaf}"]
    return Results(_reduced(case, arrays | {"image": nhwc_to_nchw(image)}))


def _discriminator(case: Case, variables: dict[str, Any]) -> Results:
    method = Smis(config_of(case.config))
    image, label = jnp.asarray(nchw_to_nhwc(case.inputs["image"])), method.label_map(semantic.batch_of(case))
    features = jax.jit(lambda v: semantic.nets_of(method, case, v).discriminator(label, (image,))[0])(variables)
    arrays = {}
    for i, scale in enumerate(features):
        arrays |= {f"D{i}_layer{j}": nhwc_to_nchw(feature) for j, feature in enumerate(scale[:-1])}
        arrays[f"D{i}_pred"] = nhwc_to_nchw(scale[-1])
    return Results(_reduced(case, arrays))


def _encoder(case: Case, variables: dict[str, Any]) -> Results:
    method, batch = Smis(config_of(case.config)), semantic.batch_of(case)

    @jax.jit
    def results(variables: dict[str, Any]) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        crops = class_crops(batch["image"], batch["label"], method.num_classes)
        return crops, semantic.nets_of(method, case, variables).encoder(crops)

    crops, (mean, log_variance) = results(variables)
    crops = _by_channel(crops)
    outputs = {"crops_slice": crops[:, :, 2::16, 1::16], "crops_sum": crops.sum((2, 3))}
    return Results(outputs | {"mu": _by_channel(mean), "logvar": _by_channel(log_variance)})


def _losses(case: Case, variables: dict[str, Any]) -> Results:
    scalars, after = _step(case, variables, "G")
    # The discriminator's step goes on from the state that the generator's left.
    variables_after = {name: {"params": tree["params"], **after[name]} for name, tree in variables.items()}
    scalars |= _step(case, variables_after, "D")[0]
    method, batch = GivenNoise(config_of(case.config), case.inputs["eps_G"]), semantic.batch_of(case)

    @jax.jit
    def fake(variables: dict[str, Any]) -> jax.Array:
        nets, rng = semantic.nets_of(method, case, variables), jax.random.key(0)
        return method.synthesize(nets, batch, method.encode(nets, batch, rng)[0], rng)

    return Results(_reduced(case, {"fake_G": nhwc_to_nchw(fake(variables))}), scalars)


def _step(case: Case, variables: dict[str, Any], prefix: str) -> tuple[dict[str, float], dict[str, Any]]:
    """Terms and gradient norms of the generator's (`G`) or the discriminator's (`D`) step, and the networks' states."""
    method, batch = GivenNoise(config_of(case.config), case.inputs[f"eps_{prefix}"]), semantic.batch_of(case)
    phase = dict(zip("GD", method.phases(), strict=True))[prefix]

    def objective(trained: Any, params: Any, states: Any, frozen: Any) -> tuple[jax.Array, Any]:
        nets = Nets(modules(method), {**frozen, **params, **trained}, states, train=case.mode == "train")
        total, terms = phase.loss(nets, batch, jax.random.key(0))
        return total, ({**terms, "total": total}, nets.states)

    params, states = semantic.split(variables)
    trained = {name: params[name] for name in phase.trains}
    gradients, (terms, after) = jax.jit(jax.grad(objective, has_aux=True))(
        trained, params, states, semantic.frozen_of(method)
    )
    scalars = {f"grad_norm_{name[0].upper()}": float(optax.global_norm(tree)) for name, tree in gradients.items()}
    weights = {**method.config.loss.weights}
    for theirs, ours in TERMS[prefix].items():
        if ours in terms:
            scalars[f"G_{theirs}" if prefix == "G" else theirs] = float(terms[ours]) * weights.get(ours, 1.0)
    return scalars | {f"{prefix}_total": float(terms["total"])}, after

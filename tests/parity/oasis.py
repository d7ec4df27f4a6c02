"""OASIS's reference cases: the authors' options to our config, and what each kind of case computes."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.oasis import get_config
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import LabelMap
from jaxsyn.losses.segmentation import (
    class_cross_entropy,
    class_weights,
    fake_cross_entropy,
    labelmix_consistency,
    labelmix_mask,
    mix,
)
from jaxsyn.methods import Nets
from jaxsyn.methods.oasis import DOUBLINGS, Oasis
from jaxsyn.networks.segmentation_discriminator import DownBlock, UpBlock
from jaxsyn.networks.spade_decoder import SpadeBlock
from tests.parity import semantic
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.phases import gradients_of
from tests.parity.semantic import shape

Options = Mapping[str, Any]


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config()
    data, model, weights = config.data, config.model, config.loss.weights
    # The reference rounds the start size, and the image follows from it.
    scale = 2**DOUBLINGS
    start_width = options.get("crop_size", 256) // scale
    data.width, data.height = start_width * scale, round(start_width / options.get("aspect_ratio", 1.0)) * scale
    data.num_classes = options.get("semantic_nc", 1)
    spectral = not options.get("no_spectral_norm", False)
    model.noise_channels = 0 if options.get("no_3dnoise", False) else options.get("z_dim", 64)
    model.generator = ConfigDict(
        {
            "width": options.get("channels_G", 64),
            "norm": options.get("param_free_norm", "syncbatch"),
            "kernel_size": options.get("spade_ks", 3),
            "hidden": 128,
            "spectral": spectral,
        }
    )
    widths = options.get("D_list", (3, 128, 128, 256, 256, 512, 512))
    model.discriminator = ConfigDict(
        {"widths": tuple(widths[1:]), "last_width": options.get("D_last", 64), "spectral": spectral}
    )
    config.loss.dont_care = options.get("contain_dontcare_label", False)
    config.loss.balance_classes = not options.get("no_balancing_inloss", False)
    weights.labelmix = 0.0 if options.get("no_labelmix", False) else options.get("lambda_labelmix", 10.0)
    weights.perceptual = options.get("lambda_vgg", 10.0) if options.get("add_vgg_loss", False) else 0.0
    config.loss.vgg_weights = "by the weight rule"
    return config


def templates(options: Options) -> dict[str, Template]:
    """Both networks."""
    method = Oasis(config_of(options))
    names, rng = method.checkpoint_names(), jax.random.key(0)
    size, depth = (1, method.config.data.height, method.config.data.width), method.config.model.noise_channels
    label = LabelMap(shape(size, jnp.int32), None, method.num_classes, shape((1, depth)) if depth else None)
    smallest = 2 ** len(method.config.model.discriminator.widths)
    networks = {
        "generator": (method.generator(), label),
        "discriminator": (method.discriminator(), shape((1, smallest, smallest, 3))),
    }
    return {
        name: Template(jax.eval_shape(network.init, rng, example), names[name])
        for name, (network, example) in networks.items()
    }


class GivenDraws(Oasis):
    """OASIS whose noise and LabelMix draws are a case's."""

    def __init__(self, config: ConfigDict, noise: np.ndarray | None, draws: np.ndarray | None):
        super().__init__(config)
        self.given_noise, self.given_draws = noise, draws

    def noise(self, label: jax.Array, rng: jax.Array) -> jax.Array | None:
        given = self.given_noise is not None and self.config.model.noise_channels
        return self.place_noise(label, jnp.asarray(self.given_noise)) if given else super().noise(label, rng)

    def labelmix_draws(self, rng: jax.Array) -> jax.Array:
        return super().labelmix_draws(rng) if self.given_draws is None else jnp.asarray(self.given_draws, bool)


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if not variables:
        return _pieces(case)
    if len(variables) > 1:
        return _losses(case, variables)
    return (_generator if "generator" in variables else _discriminator)(case, variables)


def _generator(case: Case, variables: dict[str, Any]) -> Results:
    method = GivenDraws(config_of(case.config), case.inputs.get("z"), None)
    ids = jnp.asarray(label_map(case.inputs["label"]))
    label = LabelMap(ids, None, method.num_classes, method.noise(ids, jax.random.key(0)))
    image, blocks, after = _apply(method.generator(), case, variables["generator"], label, (SpadeBlock,))
    outputs = {"image": nhwc_to_nchw(image)}
    outputs |= {f"{name.replace('_', '')}_stats": stats for name, stats in blocks.items()}
    outputs |= _after(case, {"params": variables["generator"]["params"], **after}, method.checkpoint_names())
    return Results({name: value for name, value in outputs.items() if name in case.outputs})


def _discriminator(case: Case, variables: dict[str, Any]) -> Results:
    method = Oasis(config_of(case.config))
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    kinds = (DownBlock, UpBlock)
    logits, blocks, _ = _apply(method.discriminator(), case, variables["discriminator"], image, kinds)
    logits = nhwc_to_nchw(logits)
    outputs = {"logits": logits, "logits_slice": logits[:, :, ::2, ::2]}
    outputs |= {f"{name.removeprefix('body_').replace('_', '')}_stats": stats for name, stats in blocks.items()}
    return Results({name: value for name, value in outputs.items() if name in case.outputs})


def _apply(
    network: Any, case: Case, variables: dict[str, Any], inputs: Any, kinds: tuple[type, ...]
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, Any]]:
    """A network's output, (mean, standard deviation) of each block's, and its collections after the call."""
    mutable = [name for name in variables if name != "params"] if case.mode == "train" else []

    @jax.jit
    def call(variables: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        return network.apply(
            variables,
            inputs,
            mutable=[*mutable, "intermediates"],
            capture_intermediates=lambda module, _: isinstance(module, kinds),
        )

    output, after = call(variables)
    blocks = {name: np.asarray(found["__call__"][0], np.float64) for name, found in after.pop("intermediates").items()}
    stats = {name: np.stack([x.mean((0, 1, 2)), x.std((0, 1, 2))]) for name, x in blocks.items()}
    return np.asarray(output), stats, after


def _after(case: Case, variables: dict[str, Any], names: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The buffers that the case names as after_body0_norm0_running_mean, after_body0_conv0_weight_u."""
    state, found = to_state_dict(variables, names["generator"]), {}
    for output in case.outputs:
        parts = re.fullmatch(r"after_body(\d+)_(norm|conv)(\w)_(\w+)", output)
        if parts:
            block, kind, index, leaf = parts.groups()
            found[output] = state[f"body.{block}.{kind}_{index}.{'first_norm.' if kind == 'norm' else ''}{leaf}"]
    return found


def _losses(case: Case, variables: dict[str, Any]) -> Results:
    """Weighted terms and gradient norms of both phases, the second on the states that the first left."""
    config, draws = config_of(case.config), case.inputs.get("labelmix_bits")
    params, states = semantic.split(variables)
    batch, weights = semantic.batch_of(case), config.loss.weights
    label, scalars = batch["label"], {}
    for prefix, index in (("G", 0), ("D", 1)):
        method = GivenDraws(config, case.inputs.get(f"z_{prefix}"), draws)
        phase = method.phases()[index]
        if prefix == "D":
            fake = jax.jit(partial(_fake, method, case, label))(params, states)
        gradients, terms, states = gradients_of(phase, method, case, batch, params, states)
        theirs = {"adversarial": "G_adv", "perceptual": "G_vgg"} if prefix == "G" else {}
        scalars |= {theirs.get(n, f"D_{n}"): float(v) * weights[n] for n, v in terms.items() if n != "total"}
        scalars[f"{prefix}_total"] = float(terms["total"])
        scalars[f"grad_norm_{prefix}"] = float(optax.global_norm(gradients[phase.name]))
        if prefix == "G":
            scalars["grad_norm_G_body0"] = float(optax.global_norm(gradients["generator"]["body_0"]))
    class_weight = method.class_weights(label)
    pixels = jnp.ones(label.shape) if class_weight is None else class_weight[label]
    outputs = {
        "class_weight_map": nhwc_to_nchw(pixels[..., None]),
        "fake_D_slice": nhwc_to_nchw(fake)[:, :, ::4, ::4],
    }
    if draws is not None:
        mask = labelmix_mask(jnp.asarray(draws, bool), label)
        outputs["mixed_slice"] = nhwc_to_nchw(mix(mask, batch["image"], fake))[:, :, ::4, ::4]
    return Results(
        {name: value for name, value in outputs.items() if name in case.outputs},
        {name: value for name, value in scalars.items() if name in case.scalars},
    )


def _fake(method: Oasis, case: Case, label: jax.Array, params: Any, states: Any) -> jax.Array:
    nets = Nets(method.networks(), params, states, train=case.mode == "train")
    return method.synthesize(nets, label, method.noise(label, jax.random.key(0)))


def _pieces(case: Case) -> Results:
    """The losses as functions of given logits, and LabelMix of given draws."""
    arrays = {name: jnp.asarray(nchw_to_nhwc(array)) for name, array in case.inputs.items() if array.ndim == 4}
    label, logits, classes = arrays["label"][..., 0].astype(jnp.int32), arrays["logits"], case.config["semantic_nc"]
    outputs, scalars = {}, {"loss_real_unbalanced": class_cross_entropy(logits, label)}
    for name, dont_care in (("dontcare", True), ("all", False)):
        weights = class_weights(label, classes, dont_care=dont_care)
        outputs[f"weight_map_{name}"] = nhwc_to_nchw(weights[label][..., None])
        for kind, loss in (
            ("real", lambda x, w=weights: class_cross_entropy(x, label, w)),
            ("fake", fake_cross_entropy),
        ):
            value, gradient = jax.value_and_grad(loss)(logits)
            scalars |= {f"loss_{kind}_{name}": value, f"grad_{kind}_{name}": jnp.linalg.norm(gradient)}
    for draws in (name for name in case.inputs if name.startswith("bits_")):
        which = draws.removeprefix("bits_")
        mask = labelmix_mask(jnp.asarray(case.inputs[draws], bool), label)
        outputs[f"mask_{which}"] = nhwc_to_nchw(mask)
        outputs[f"mixed_{which}"] = nhwc_to_nchw(mix(mask, arrays["real"], arrays["fake"]))[:, :, ::2, ::2]
        on_each = (arrays[f"out_{kind}"] for kind in ("real", "fake", "mixed"))
        scalars[f"labelmix_{which}"] = labelmix_consistency(mask, *on_each)
    return Results(outputs, {name: float(value) for name, value in scalars.items()})

"""ASAP-Net's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.asapnet import get_config
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import LabelMap, instance_edges, position_encoding, tent_downsample
from jaxsyn.methods.asapnet import AsapNet
from tests.parity import semantic
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.phases import gradients_of
from tests.parity.semantic import GAN_MODES, shape
from tests.parity.wide import in_float64

Options = Mapping[str, Any]

TERMS = {
    "GAN": "adversarial",
    "GAN_Feat": "feature_matching",
    "VGG": "perceptual",
    "MSE": "mse",
    "L1": "l1",
    "WD": "predicted_parameters",
    "D_Fake": "fake",
    "D_real": "real",
}


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("cityscapes")
    data, model, weights = config.data, config.model, config.loss.weights
    crop, aspect_ratio = options.get("crop_size", 512), options.get("aspect_ratio", 1.0)
    data.width, data.height = crop, round(crop / aspect_ratio)
    data.num_classes = options.get("label_nc", 182)
    data.unknown_label = 255 if options.get("contain_dontcare_label", False) else None
    data.pairing = "paired" if options.get("no_one_hot", False) else ""
    edges = not options.get("no_instance_edge", options.get("no_instance", False))
    data.use_instance = edges or not options.get("no_instance_dist", True)
    model.instance_channel = "edges" if edges else "distances"
    norm_g, norm_d = options.get("norm_G", "instanceaffine"), options.get("norm_D", "spectralinstance")
    model.generator.update(
        tile_size=int(crop // (16 * aspect_ratio)),
        learned_factor=options.get("learned_ds_factor", 16),
        width=options.get("lr_width", 64),
        max_width=options.get("lr_max_width", 1024),
        depth=options.get("lr_depth", 7),
        mlp_width=options.get("hr_width", 64),
        mlp_depth=options.get("hr_depth", 5),
        position_encoding=options.get("hr_coor", "cosine") == "cosine",
        # The authors' `replicate_pad` reaches no network.
        padding_mode="reflect" if options.get("reflection_pad", False) else "zeros",
        norm=_norm(norm_g),
        spectral=norm_g.startswith("spectral"),
        hidden_channels=int(options.get("lr_instance", True)),
        out_channels=options.get("output_nc", 3),
    )
    model.discriminator.update(
        width=options.get("ndf", 64),
        max_width=options.get("ndf_max", 512),
        num_scales=options.get("num_D", 2),
        num_layers=options.get("n_layers_D", 4),
        norm=_norm(norm_d),
        spectral=norm_d.startswith("spectral"),
    )
    config.loss.adversarial = GAN_MODES[options.get("gan_mode", "hinge")]
    config.loss.vgg_weights = "by the weight rule"
    weights.adversarial = 0.0 if options.get("no_adv_loss", False) else 1.0
    weights.feature_matching = 0.0 if options.get("no_ganFeat_loss", False) else options.get("lambda_feat", 10.0)
    weights.perceptual = 0.0 if options.get("no_vgg_loss", False) else options.get("lambda_vgg", 10.0)
    weights.l1 = options.get("lambda_L1", 100.0) if options.get("L1_loss", False) else 0.0
    weights.mse = options.get("lambda_MSE", 10.0) if options.get("MSE_loss", False) else 0.0
    decay = options.get("lambda_WD", 1e-8) if options.get("use_weight_decay", False) else 0.0
    weights.predicted_parameters = decay
    return config


def _norm(option: str) -> str:
    norm = option.removeprefix("spectral")
    return {"": "none", "sync_batch": "batch", "instanceaffine": "instance_affine"}.get(norm, norm)


def templates(options: Options) -> dict[str, Template]:
    """The networks that the options describe."""
    method = AsapNet(config_of(options))
    data = method.config.data
    size = (1, data.height, data.width)
    extra = shape((*size, 1)) if data.use_instance else None
    classes = method.num_classes
    ids = shape((*size, classes)) if data.pairing else shape(size, jnp.int32)
    label, image = LabelMap(ids, extra, classes), shape((*size, options.get("output_nc", 3)))
    return semantic.templates(method, {"generator": (label,), "discriminator": (label, (image,))})


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if not variables:
        return _pieces(case)
    method, batch = AsapNet(config_of(case.config)), batch_of(case)
    if len(variables) > 1:
        return _losses(method, case, variables, batch)
    function = {"generator": _generator, "discriminator": _discriminator}[next(iter(variables))]
    return function(method, case, variables, batch)


def batch_of(case: Case) -> dict[str, jax.Array]:
    """The case's label map or picture to translate, instance map and image."""
    batch = {}
    for name, array in case.inputs.items():
        if name.startswith("inst"):
            batch["instance"] = jnp.asarray(label_map(array))
        elif name == "image":
            batch["image"] = jnp.asarray(nchw_to_nhwc(array))
        elif np.issubdtype(array.dtype, np.integer):
            batch["label"] = jnp.asarray(label_map(array))
        else:
            batch["source"] = jnp.asarray(nchw_to_nhwc(array))
    return batch


def _pieces(case: Case) -> Results:
    """The position encoding, or the fixed filter by its strides."""
    if "ds" in case.config:
        encoding = position_encoding(case.config["h"], case.config["w"], int(case.config["ds"]))
        return Results({"coords": nhwc_to_nchw(encoding[None])})
    x = jnp.asarray(nchw_to_nhwc(case.inputs["x"]))
    return Results({f"stride{s}": nhwc_to_nchw(tent_downsample(x, s)) for s in case.config["strides"]})


def _generator(method: AsapNet, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array]) -> Results:
    @jax.jit
    def call(variables: dict[str, Any]) -> tuple[tuple[jax.Array, jax.Array], Any]:
        nets = semantic.nets_of(method, case, variables)
        return nets.generator(method.label_map(batch)), nets.states["generator"]

    (image, parameters), after = call(variables)
    parameters = nhwc_to_nchw(parameters)
    outputs = {
        "image": nhwc_to_nchw(image),
        "lr_features": parameters,
        "lr_features_mean": parameters.mean((2, 3), dtype=np.float64),
        "lr_features_std": parameters.std((2, 3), dtype=np.float64),
        "lr_features_every_4th": parameters[:, :, ::4, ::4],
    }
    return _results(method, case, "generator", outputs, variables, after, batch)


def _discriminator(method: AsapNet, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array]) -> Results:
    @jax.jit
    def call(variables: dict[str, Any]) -> tuple[list[list[jax.Array]], Any]:
        nets = semantic.nets_of(method, case, variables)
        return nets.discriminator(method.label_map(batch), (batch["image"],))[0], nets.states["discriminator"]

    scales, after = call(variables)
    if case.config.get("no_ganFeat_loss", False):
        scales = [layers[-1:] for layers in scales]
    outputs = {
        f"scale{i}/layer{j}": nhwc_to_nchw(layer) for i, layers in enumerate(scales) for j, layer in enumerate(layers)
    }
    return _results(method, case, "discriminator", outputs, variables, after, batch)


def _results(
    method: AsapNet,
    case: Case,
    network: str,
    outputs: dict[str, np.ndarray],
    variables: dict[str, Any],
    after: Any,
    batch: dict[str, jax.Array],
) -> Results:
    """The outputs that the case has, with the network's state after the call and the instance edges."""
    state = to_state_dict({"params": variables[network]["params"], **after}, method.checkpoint_names()[network])
    outputs |= {name: state[name.removeprefix("after/")] for name in case.outputs if name.startswith("after/")}
    if "edge" in case.outputs:
        outputs["edge"] = nhwc_to_nchw(instance_edges(batch["instance"]))
    return Results({name: array for name, array in outputs.items() if name in case.outputs})


@in_float64
def _losses(method: AsapNet, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array]) -> Results:
    """Weighted terms and gradient norms of both phases at the case's weights, without the update between them."""
    (params, states), weights = semantic.split(variables), method.config.loss.weights
    fake = semantic.nets_of(method, case, variables)
    outputs = {"fake_image": nhwc_to_nchw(jax.jit(lambda: method.synthesize(fake, batch, None, jax.random.key(0)))())}
    scalars = {}
    for phase, letter in zip(method.phases(), "GD", strict=True):
        gradients, terms, states = gradients_of(phase, method, case, batch, params, states)
        scalars |= {theirs: terms[ours] * weights.get(ours, 1.0) for theirs, ours in TERMS.items() if ours in terms}
        scalars[f"loss_{letter}"] = terms["total"]
        scalars |= {f"grad_norm_{name}": optax.global_norm(gradients[name]) for name in phase.trains}
    if "edge" in case.outputs:
        outputs["edge"] = nhwc_to_nchw(instance_edges(batch["instance"]))
    outputs = {name: array for name, array in outputs.items() if name in case.outputs}
    return Results(outputs, {name: float(value) for name, value in scalars.items()})

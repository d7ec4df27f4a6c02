"""CC-FPSE's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.cc_fpse import get_config
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import LabelMap, conditional_convolve, instance_edges, taps_first
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.methods.cc_fpse import SMALLEST, CcFpse
from jaxsyn.methods.spade import ENCODER_SIZE
from jaxsyn.networks.spade_decoder import UPSAMPLINGS
from tests.parity import semantic
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.phases import gradients_of
from tests.parity.semantic import GAN_MODES, TERMS, shape

Options = Mapping[str, Any]


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("coco_stuff")
    data, model, weights = config.data, config.model, config.loss.weights
    upsampling = "more" if options.get("dataset_mode") == "cityscapes" else "normal"
    # The reference rounds the start size, and the image follows from it.
    scale = 2 ** UPSAMPLINGS[upsampling]
    start_width = options.get("crop_size", 256) // scale
    data.width, data.height = start_width * scale, round(start_width / options.get("aspect_ratio", 1.0)) * scale
    data.num_classes = options.get("label_nc", 182)
    data.unknown_label = 255 if options.get("contain_dontcare_label", False) else None
    data.use_instance = not options.get("no_instance", False)
    model.use_vae = options.get("use_vae", False)
    model.generator.width, model.generator.upsampling = options.get("ngf", 64), upsampling
    model.generator.norm = _norm(options.get("norm_G", "spectralsync_batch"))
    model.discriminator.width = options.get("ndf", 64)
    model.discriminator.norm = _norm(options.get("norm_D", "spectralinstance"))
    encoder_norm = options.get("norm_E", "spectralinstance")
    model.encoder.spectral, model.encoder.normalized = "spectral" in encoder_norm, "instance" in encoder_norm
    config.loss.adversarial = GAN_MODES[options.get("gan_mode", "hinge")]
    weights.feature_matching = 0.0 if options.get("no_ganFeat_loss", False) else options.get("lambda_feat", 10.0)
    weights.perceptual = 0.0 if options.get("no_vgg_loss", False) else options.get("lambda_vgg", 10.0)
    weights.kl = options.get("lambda_kld", 0.05)
    config.loss.vgg_weights = "by the weight rule"
    return config


def _norm(option: str) -> str:
    norm = option.removeprefix("spectral")
    return {"": "none", "sync_batch": "syncbatch"}.get(norm, norm)


def templates(options: Options) -> dict[str, Template]:
    """The networks that the options describe; the encoder is always among them."""
    config = config_of(options)
    generator, size = CcFpse(config).generator(), (1, config.data.height, config.data.width)
    # A generator's case may be of a size that is too small for the discriminator.
    config.data.height = config.data.width = SMALLEST
    config.model.use_vae = True
    method = CcFpse(config)
    networks, rng = {**method.networks(), "generator": generator}, jax.random.key(0)
    style = (shape((1, options.get("z_dim", 256))),) if options.get("use_vae", False) else ()
    inputs = {
        "generator": (_label_shape(method, size), *style),
        "discriminator": (_label_shape(method, (1, SMALLEST, SMALLEST)), (shape((1, SMALLEST, SMALLEST, 3)),)),
        "encoder": (shape((1, ENCODER_SIZE, ENCODER_SIZE, 3)),),
    }
    return {
        name: Template(jax.eval_shape(network.init, rng, *inputs[name]), method.checkpoint_names()[name])
        for name, network in networks.items()
    }


def _label_shape(method: CcFpse, size: tuple[int, int, int]) -> LabelMap:
    edges = shape((*size, 1)) if method.config.data.use_instance else None
    return LabelMap(shape(size, jnp.int32), edges, method.num_classes)


GivenNoise = semantic.with_given_noise(CcFpse)


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if not variables:
        return _pieces(case)
    if case.case.startswith("losses"):
        return _losses(case, variables)
    function = {"generator": _generator, "discriminator": _discriminator, "encoder": _encoder}[next(iter(variables))]
    return function(case, variables)


def _generator(case: Case, variables: dict[str, Any]) -> Results:
    method, label = _method_and_label(case)
    inputs = (label, jnp.asarray(case.inputs["z"])) if "z" in case.inputs else (label,)
    state = variables["generator"]
    mutable = [name for name in state if name != "params"] if case.mode == "train" else []

    @jax.jit
    def call(state: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        return method.generator().apply(
            state, *inputs, mutable=[*mutable, "intermediates"], capture_intermediates=lambda module, _: module.path
        )

    image, after = call(state)
    captured = after.pop("intermediates")
    captured |= captured.pop("label_encoder")
    outputs = {"image": nhwc_to_nchw(image)}
    for name in case.outputs:
        if name.endswith("_stats"):
            found = captured[name.removesuffix("_stats")]["__call__"][0]
            outputs[name] = _statistics(found[0] if isinstance(found, list) else found)
    theirs = to_state_dict({"params": state["params"], **after}, method.checkpoint_names()["generator"])
    squeezed = {_squeezed(name): array for name, array in theirs.items()}
    outputs |= {
        name: squeezed[_squeezed(name.removeprefix("after_"))] for name in case.outputs if name.startswith("after_")
    }
    return Results(outputs)


def _squeezed(name: str) -> str:
    """A buffer's name as cases and state dicts have in common: head_0.norm_1.x is head0_norm1_x, ENC.0.1.x ENC_bn_x."""
    return name.replace(".0.1.", ".bn.").replace(".", "").replace("_", "")


def _statistics(x: jax.Array) -> np.ndarray:
    """Mean and biased standard deviation of each channel."""
    flat = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
    return np.stack([flat.mean(0), flat.std(0)])


def _discriminator(case: Case, variables: dict[str, Any]) -> Results:
    method, label = _method_and_label(case)
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))

    @jax.jit
    def judge(variables: dict[str, Any]) -> Any:
        return semantic.nets_of(method, case, variables).discriminator(label, (image,))[0]

    features, logits = judge(variables)
    outputs = {f"pred{i}": nhwc_to_nchw(scores) for i, scores in enumerate(logits, start=2)}
    outputs |= {f"feat{i}_stats": _statistics(level) for i, level in enumerate(features, start=2)}
    outputs |= {f"feat{i}_slice": nhwc_to_nchw(level)[:, ::2] for i, level in enumerate(features, start=2)}
    outputs |= {f"feat{i}": nhwc_to_nchw(level) for i, level in enumerate(features, start=2)}
    return Results({name: value for name, value in outputs.items() if name in case.outputs})


def _encoder(case: Case, variables: dict[str, Any]) -> Results:
    method = CcFpse(config_of({**case.config, "use_vae": True}))
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    mean, log_variance = jax.jit(lambda v: semantic.nets_of(method, case, v).encoder(image))(variables)
    return Results({"mu": np.asarray(mean), "logvar": np.asarray(log_variance)})


def _method_and_label(case: Case) -> tuple[CcFpse, LabelMap]:
    method = CcFpse(config_of(case.config))
    return method, method.label_map(semantic.batch_of(case))


def _losses(case: Case, variables: dict[str, Any]) -> Results:
    """Weighted terms and gradient norms of both phases, the second on the states that the first left."""
    config, batch = config_of(case.config), semantic.batch_of(case)
    (params, states), weights = semantic.split(variables), {**config.loss.weights}
    outputs, scalars = {}, {}
    for prefix, index in (("G", 0), ("D", 1)):
        method = GivenNoise(config, case.inputs.get(f"eps_{prefix}"))
        fake = nhwc_to_nchw(_fake(method, case, batch, params, states))
        outputs |= {f"fake_{prefix}": fake, f"fake_{prefix}_slice": fake[:, :, ::2, ::2]}
        phase = method.phases()[index]
        gradients, terms, states = gradients_of(phase, method, case, batch, params, states)
        for theirs, ours in TERMS[prefix].items():
            if ours in terms:
                name = theirs if theirs.startswith(f"{prefix}_") else f"{prefix}_{theirs}"
                scalars[name] = float(terms[ours]) * weights.get(ours, 1.0)
        scalars[f"{prefix}_total"] = float(terms["total"])
        for name, letter in (("generator", "G"), ("encoder", "E"), ("discriminator", "D")):
            if name in gradients:
                scalars[f"grad_norm_{letter}"] = float(optax.global_norm(gradients[name]))
    return Results({name: value for name, value in outputs.items() if name in case.outputs}, scalars)


def _fake(method: CcFpse, case: Case, batch: Mapping[str, jax.Array], params: Any, states: Any) -> jax.Array:
    @jax.jit
    def image(params: Any, states: Any) -> jax.Array:
        nets = semantic.Nets(method.networks(), params, states, train=case.mode == "train")
        rng = jax.random.key(0)
        return method.synthesize(nets, batch, method.encode(nets, batch, rng)[0], rng)

    return image(params, states)


def _pieces(case: Case) -> Results:
    """The predicted convolution with gradients, instance edges, and GAN losses of given scores."""
    x, weights = (jnp.asarray(nchw_to_nhwc(case.inputs[name])) for name in ("x", "weights"))

    def objective(x: jax.Array, weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = conditional_convolve(x, taps_first(weights))
        return jnp.square(y).sum(), y

    (_, y), gradients = jax.value_and_grad(objective, argnums=(0, 1), has_aux=True)(x, weights)
    edges = instance_edges(jnp.asarray(label_map(case.inputs["instance"])))
    outputs = {"y": y, "grad_x": gradients[0], "grad_weights": gradients[1], "edges": edges}
    scores = [jnp.asarray(case.inputs[name]) for name in sorted(case.inputs) if name.startswith("score")]
    scalars = {}
    for mode, kind in GAN_MODES.items():
        real, fake = discriminator_loss(scores, scores, kind)
        scalars |= {f"{mode}_D_real": real, f"{mode}_D_fake": fake, f"{mode}_G": generator_loss(scores, kind)}
    return Results(
        {name: nhwc_to_nchw(array) for name, array in outputs.items()},
        {name: float(value) for name, value in scalars.items()},
    )

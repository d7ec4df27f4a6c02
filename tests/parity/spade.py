"""SPADE's reference cases: the authors' options to our config, and what each kind of case computes."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.spade import get_config
from jaxsyn.interop.state_dict import expected_shapes, from_state_dict, to_state_dict
from jaxsyn.layers import LabelMap, instance_edges
from jaxsyn.losses.adversarial import discriminator_loss, generator_loss
from jaxsyn.losses.variational import kl_divergence
from jaxsyn.methods import Nets
from jaxsyn.methods.spade import ENCODER_SIZE, UPSAMPLINGS, Spade
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


def config_of(options: Mapping[str, Any]) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("coco_stuff")
    data, model, weights = config.data, config.model, config.loss.weights
    generator_norm = options.get("norm_G", "spectralspadesyncbatch3x3")
    crop = options.get("crop_size", 256)
    upsampling = options.get("num_upsampling_layers", "normal")
    # The reference rounds the start size, and the image follows from it.
    scale = 2 ** UPSAMPLINGS[upsampling]
    start_width = crop // scale
    data.width, data.height = start_width * scale, round(start_width / options.get("aspect_ratio", 1.0)) * scale
    data.num_classes = options.get("label_nc", options.get("semantic_nc", 1))
    data.unknown_label = 255 if options.get("contain_dontcare_label", False) else None
    data.use_instance = not options.get("no_instance", True)
    model.use_vae = options.get("use_vae", False)
    model.generator.width = model.resnet.width = options.get("ngf", 64)
    model.generator.upsampling = upsampling
    model.generator.spectral = model.resnet.spectral = "spectral" in generator_norm
    spade = re.search(r"spade(\D+)(\d)x\d", generator_norm)
    if spade:
        model.generator.norm, model.generator.kernel_size = spade.group(1), int(spade.group(2))
    else:
        model.architecture = "pix2pixhd"
        model.resnet.norm = _plain_norm(generator_norm)
        model.resnet.num_downsamplings = options.get("resnet_n_downsample", 4)
        model.resnet.num_blocks = options.get("resnet_n_blocks", 9)
        model.resnet.kernel_size = options.get("resnet_kernel_size", 3)
        model.resnet.initial_kernel_size = options.get("resnet_initial_kernel_size", 7)
    discriminator_norm = options.get("norm_D", "spectralinstance")
    model.discriminator.spectral, model.discriminator.norm = (
        "spectral" in discriminator_norm,
        _plain_norm(discriminator_norm),
    )
    model.discriminator.width = options.get("ndf", 64)
    model.discriminator.num_scales = options.get("num_D", 2)
    model.discriminator.num_layers = options.get("n_layers_D", 4)
    encoder_norm = options.get("norm_E", "spectralinstance")
    model.encoder.spectral, model.encoder.normalized = "spectral" in encoder_norm, "instance" in encoder_norm
    config.loss.adversarial = GAN_MODES[options.get("gan_mode", "hinge")]
    weights.feature_matching = 0.0 if options.get("no_ganFeat_loss", False) else options.get("lambda_feat", 10.0)
    weights.perceptual = 0.0 if options.get("no_vgg_loss", False) else options.get("lambda_vgg", 10.0)
    weights.kl = options.get("lambda_kld", 0.05)
    config.loss.vgg_weights = "by the weight rule"
    rate, factor = options.get("lr", 2e-4), 1 if options.get("no_TTUR", False) else 2
    config.optimizer.b1, config.optimizer.b2 = options.get("beta1", 0.0), options.get("beta2", 0.9)
    config.optimizer.learning_rate.generator = config.optimizer.learning_rate.encoder = rate / factor
    config.optimizer.learning_rate.discriminator = rate * factor
    config.optimizer.discriminator_steps = options.get("D_steps_per_G", 1)
    config.optimizer.decay_steps = 0
    return config


def _plain_norm(text: str) -> str:
    return {"": "none", "sync_batch": "batch"}.get(text.removeprefix("spectral"), text.removeprefix("spectral"))


def templates(options: dict[str, Any]) -> dict[str, Template]:
    """The networks that the options describe; the encoder is always among them."""
    method = Spade(config_of({**options, "use_vae": options.get("use_vae", True)}))
    names = method.checkpoint_names()
    shape = (1, method.config.data.height, method.config.data.width)
    label = LabelMap(_shape(shape, jnp.int32), None, method.num_classes)
    if method.config.data.use_instance:
        label = label.replace(extra=_shape((*shape, 1)))
    image = _shape((*shape, 3))
    style = _shape((1, options.get("z_dim", 256))) if options.get("use_vae", False) else None
    inputs = {
        "generator": (label,) if style is None else (label, style),
        "discriminator": (label, (image,)),
        "encoder": (_shape((1, ENCODER_SIZE, ENCODER_SIZE, 3)),),
    }
    method = Spade(config_of({**options, "use_vae": True}))
    rng = jax.random.key(0)
    return {
        name: Template(jax.eval_shape(module.init, rng, *inputs[name]), names.get(name, ()))
        for name, module in method.networks().items()
    }


def _shape(shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


class GivenNoise(Spade):
    """SPADE whose style noise is a case's."""

    def __init__(self, config: ConfigDict, noise: np.ndarray | None):
        super().__init__(config)
        self.given = noise

    def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
        return super().noise(shape, rng) if self.given is None else jnp.asarray(self.given)


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    kinds = {"losses": _losses, "iterations": _iterations}
    for kind, function in kinds.items():
        if case.case.startswith(kind):
            return function(case, variables)
    function = {"generator": _generator, "discriminator": _discriminator, "encoder": _encoder}[next(iter(variables))]
    return function(case, variables)


def _nets(method: Spade, case: Case, variables: dict[str, Any]) -> Nets:
    params, states = _split(variables)
    return Nets(method.networks(), params, states, train=case.mode == "train")


def _split(variables: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    params = {name: tree["params"] for name, tree in variables.items()}
    states = {name: {k: v for k, v in tree.items() if k != "params"} for name, tree in variables.items()}
    return params, states


def _batch(case: Case) -> dict[str, jax.Array]:
    batch = {name: jnp.asarray(label_map(case.inputs[name])) for name in ("label", "instance") if name in case.inputs}
    if "image" in case.inputs:
        batch["image"] = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))
    return batch


def _single_network_label(method: Spade, case: Case) -> LabelMap:
    """A network's own cases take every channel as a class, unless an instance map comes along."""
    batch = _batch(case)
    edges = instance_edges(batch["instance"]) if "instance" in batch else None
    channels = case.config.get("semantic_nc", method.num_classes)
    return LabelMap(batch["label"], edges, channels - (edges is not None))


def _generator(case: Case, variables: dict[str, Any]) -> Results:
    method = Spade(config_of(case.config))
    inputs = (_single_network_label(method, case),)
    if "z" in case.inputs:
        inputs += (jnp.asarray(case.inputs["z"]),)

    @jax.jit
    def images(variables: dict[str, Any]) -> jax.Array:
        return _nets(method, case, variables).generator(*inputs)

    return Results({"image": nhwc_to_nchw(images(variables))})


def _discriminator(case: Case, variables: dict[str, Any]) -> Results:
    method = Spade(config_of(case.config))
    image = jnp.asarray(nchw_to_nhwc(case.inputs["image"]))

    @jax.jit
    def features_of(variables: dict[str, Any]) -> list[list[jax.Array]]:
        return _nets(method, case, variables).discriminator(_single_network_label(method, case), (image,))[0]

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


def _encoder(case: Case, variables: dict[str, Any]) -> Results:
    method = Spade(config_of({**case.config, "use_vae": True}))
    mean, log_variance = jax.jit(lambda v: _nets(method, case, v).encoder(_batch(case)["image"]))(variables)
    outputs = {"mu": np.asarray(mean), "logvar": np.asarray(log_variance)}
    return Results(outputs, {"kld": float(kl_divergence(mean, log_variance))})


def _vgg() -> dict[str, Any]:
    template = jax.eval_shape(VGG19().init, jax.random.key(0), _shape((1, 32, 32, 3)))
    state = vgg_state()
    used = {name: state[name] for name in expected_shapes(template, TORCH_RULES)}
    return from_state_dict(used, template, TORCH_RULES)["params"]


def _frozen(method: Spade) -> dict[str, Any]:
    return {"vgg": _vgg()} if method.frozen() else {}


def _losses(case: Case, variables: dict[str, Any]) -> Results:
    method = GivenNoise(config_of(case.config), case.inputs.get("eps"))
    batch, frozen = _batch(case), _frozen(method)
    params, states = _split(variables)
    rng = jax.random.key(0)
    weights = {**method.config.loss.weights}
    outputs, scalars = {}, {}
    for phase, prefix in zip(method.phases(), ("G", "D"), strict=True):
        step = jax.jit(lambda p, s, f, phase=phase: phase_gradients(method, phase, p, s, f, batch, rng))
        gradients, terms, after = step(params, states, frozen)
        for theirs, ours in TERMS[prefix].items():
            if ours in terms:
                scalars[f"{prefix}/{theirs}"] = float(terms[ours]) * weights.get(ours, 1.0)
        scalars[f"{prefix}/total"] = float(terms["total"])
        for name in phase.trains:
            scalars[f"grad_norm/{name}"] = float(optax.global_norm(gradients[name]))
        if prefix == "G":
            rules = method.checkpoint_names()["generator"]
            state = to_state_dict({"params": params["generator"], **after["generator"]}, rules)
            outputs |= {name: state[name.removeprefix("after_G/")] for name in case.outputs if name.startswith("after")}

    @jax.jit
    def images(params: dict[str, Any], states: dict[str, Any]) -> jax.Array:
        nets = Nets(modules(method), params, states, train=True)
        return method.synthesize(nets, method.label_map(batch), method.encode(nets, batch["image"], rng))

    outputs["fake"] = nhwc_to_nchw(images(params, states))
    if "edge" in case.outputs:
        outputs["edge"] = nhwc_to_nchw(instance_edges(batch["instance"])).astype(np.uint8)
    return Results(outputs, scalars)


def _iterations(case: Case, variables: dict[str, Any]) -> Results:
    method = GivenNoise(config_of(case.config), case.inputs.get("eps"))
    config, batch, frozen = method.config, _batch(case), _frozen(method)
    params, states = _split(variables)
    adam = optax.scale_by_adam()
    optimizers = {name: adam.init(tree) for name, tree in params.items()}
    state = TrainState(jnp.zeros((), jnp.int32), params, states, optimizers, {})
    step = jax.jit(lambda state, frozen: train_step(method, config, state, frozen, batch))

    @jax.jit
    def images(state: TrainState) -> jax.Array:
        nets = Nets(modules(method), state.params, state.states, train=True)
        rng = jax.random.key(0)
        return method.synthesize(nets, method.label_map(batch), method.encode(nets, batch["image"], rng))

    steps = 1 + max(int(name.split("/")[0].removeprefix("step")) for name in case.scalars)
    weights = {**config.loss.weights}
    outputs, scalars, tolerances = {}, {}, {}
    for i in range(steps):
        if f"fake_step{i}" in case.outputs:
            outputs[f"fake_step{i}"] = nhwc_to_nchw(images(state))
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

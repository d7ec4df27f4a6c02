"""BicycleGAN's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.bicyclegan import get_config
from jaxsyn.methods import Nets
from jaxsyn.methods.bicyclegan import BicycleGan
from jaxsyn.training.step import phase_gradients
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape, split
from tests.parity.translators import GAN_MODES, Options, after_pass

NETWORKS = {"G": "generator", "E": "encoder", "D": "discriminator", "D2": "random_discriminator"}
ACTIVATIONS = {"relu": "relu", "lrelu": "leaky_relu", "elu": "elu"}
CYCLES = {"": "encoded", "2": "random"}


class GivenNoise(BicycleGan):
    """BicycleGAN with a case's noise and dropout masks, each in the order in which they are used."""

    def __init__(self, options: Options, inputs: Mapping[str, np.ndarray]):
        super().__init__(config_of(options))
        self.inputs = inputs

    def generator_loss(self, nets: Nets, batch: Any, rng: jax.Array) -> Any:
        self.given, self.dropped = iter([self.inputs["eps"], self.inputs["z_random"]]), 0
        return super().generator_loss(nets, batch, rng)

    def noise(self, shape: tuple[int, ...], rng: jax.Array) -> jax.Array:
        return jnp.asarray(next(self.given))

    def synthesize(self, nets: Nets, source: jax.Array, code: jax.Array, rng: jax.Array) -> jax.Array:
        masks = dropout_masks(self.config, self.inputs, self.dropped)
        nets.states["generator"] = nets.states["generator"] | masks
        self.dropped += len(masks.get("dropout", {}))
        return super().synthesize(nets, source, code, rng)


def config_of(options: Options) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default."""
    config = get_config("custom")
    model, weights, norm = config.model, config.loss.weights, options.get("norm", "instance")
    model.latent_size = options.get("nz", 8)
    add_all = options.get("where_add", "all") == "all" and model.latent_size > 0
    num_downs = options.get("num_downs", 7 if options.get("netG") == "unet_128" else 8)
    model.generator = ConfigDict(
        {
            "num_downs": max(num_downs, 6 if add_all else 5),  # fewer levels the authors' code does not make
            "width": options.get("ngf", 64),
            "norm": norm,
            "activation": ACTIVATIONS[options.get("nl", "relu")],
            "latent_levels": "all" if add_all else "first",
            "upsampling": {"basic": "transposed", "bilinear": "bilinear"}[options.get("upsample", "basic")],
            "dropout": options.get("use_dropout", False),
            "out_channels": options.get("output_nc", 3),
        }
    )
    encoder = options.get("netE", "resnet_256")
    levels = 4 if encoder.endswith("128") else 5
    for name in ("n_blocks", "n_layers_E", "n_blocks_E"):
        levels = options.get(name, levels)
    architecture = "conv" if encoder.startswith(("conv", "E_NLayers")) else "resnet"
    model.encoder.update(architecture=architecture, num_levels=levels, width=options.get("nef", 64), norm=norm)
    # The networks of one scale alone are another class, whose biases depend on the norm.
    kind = options.get("netD", "multi" if "num_Ds" in options else "basic_256").lower()
    multi = "multi" in kind
    layers = options.get("n_layers_D", options.get("n_layers", 2 if "128" in kind else 3))
    model.discriminator.update(num_scales=options.get("num_Ds", 2) if multi else 1, num_layers=layers)
    model.discriminator.update(width=options.get("ndf", 64), norm=norm, bias=multi or norm != "batch")
    model.conditional_discriminator = options.get("conditional_D", False)
    model.shared_discriminator = options.get("use_same_D", False)
    names = {"adversarial_encoded": "GAN", "adversarial_random": "GAN2", "l1": "L1", "latent": "z", "kl": "kl"}
    for ours, theirs in names.items():
        weights[ours] = options.get(f"lambda_{theirs}", weights[ours])
    config.loss.adversarial = GAN_MODES[options.get("gan_mode", "lsgan")]
    return config


def templates(options: Options) -> dict[str, Template]:
    """All networks under the names of the method's cases, and under those of a case with one network."""
    method, rng = BicycleGan(config_of(options)), jax.random.key(0)
    model, networks, names = method.config.model, method.networks(), method.checkpoint_names()
    inputs, outputs = options.get("input_nc", 3), options.get("output_nc", 3)
    side, latent = 2**model.generator.num_downs, shape((1, model.latent_size)) if model.latent_size else None
    judged = inputs + outputs if model.conditional_discriminator else outputs
    if "ngf" not in options:  # a discriminator alone counts its input's channels by itself
        judged = inputs
    seen = {
        "generator": (shape((1, side, side, inputs)), latent),
        "encoder": (shape((1, *(8 * 2**model.encoder.num_levels,) * 2, outputs)),),
        "discriminator": (shape((1, 256, 256, judged)),),
        "random_discriminator": (shape((1, 256, 256, judged)),),
    }
    found = {
        name: Template(jax.eval_shape(network.init, rng, *seen[name]), names[name])
        for name, network in networks.items()
        if name != "encoder" or model.latent_size
    }
    return found | {theirs: found[ours] for theirs, ours in NETWORKS.items() if ours in found}


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    method = GivenNoise(case.config, case.inputs)
    variables = {NETWORKS.get(name, name): tree for name, tree in variables.items()}
    if len(variables) > 1:
        return _losses(method, case, variables)
    ((name, tree),) = variables.items()
    params, states = split({name: tree})
    if name == "generator":
        states[name] |= dropout_masks(method.config, case.inputs, 0)
    inputs = [case.inputs[key] for key in ("input", "image") if key in case.inputs]
    inputs = [jnp.asarray(nchw_to_nhwc(inputs[0])), *(jnp.asarray(z) for key, z in case.inputs.items() if key == "z")]

    @jax.jit
    def call(params: Any, states: Any, inputs: Any) -> tuple[Any, Any]:
        nets = Nets(method.networks(), params, states, train=case.mode == "train")
        return getattr(nets, name)(*inputs), nets.states[name]

    found, after = call(params, states, inputs)
    if name == "generator":
        outputs = {"image": nhwc_to_nchw(found)}
    elif name == "encoder":
        outputs = dict(zip(("mu", "logvar"), found, strict=True))
    else:
        outputs = {f"prediction{i}": nhwc_to_nchw(layers[-1]) for i, layers in enumerate(found)}
        outputs["prediction"] = outputs["prediction0"]
    outputs |= after_pass(method, case, params, after, name)
    return Results({key: array for key, array in outputs.items() if key in case.outputs})


def dropout_masks(config: ConfigDict, inputs: Mapping[str, np.ndarray], first: int) -> dict[str, Any]:
    """A case's masks from number `first` on as the generator's collection "dropout"; {} where it has none."""
    layers = [f"up_{level}" for level in range(config.model.generator.num_downs - 2, 3, -1)]
    masks = {layer: inputs.get(f"dropout_mask_{first + i}") for i, layer in enumerate(layers)}
    given = {layer: jnp.asarray(nchw_to_nhwc(mask)) for layer, mask in masks.items() if mask is not None}
    return {"dropout": {layer: {"dropout": {"mask": mask}} for layer, mask in given.items()}} if given else {}


def _losses(method: GivenNoise, case: Case, variables: dict[str, Any]) -> Results:
    """Weighted terms and gradient norms of both phases, without the update between them."""
    params, states = split(variables)
    # Ours encodes the first of two neighbours, the reference the first half of the batch.
    real = [np.split(nchw_to_nhwc(case.inputs[name]), 2) for name in ("real_A", "real_B")]
    source, image = (jnp.asarray(np.stack(halves, 1).reshape(-1, *halves[0].shape[1:])) for halves in real)
    batch, rng = {"source": source, "image": image}, jax.random.key(0)
    generator, *discriminator = method.phases()

    def gradients_of(method: GivenNoise, phase: Any, states: Any, kept: Any) -> Any:
        run = jax.jit(lambda p, s, k: phase_gradients(method, phase, p, s, {}, batch, rng, k))
        return run(params, states, kept)

    found = gradients_of(method, generator, states, {})
    gradients, terms, kept = dict(found.gradients), dict(found.terms), found.kept
    for phase in discriminator:
        judged = gradients_of(method, phase, found.states, kept)
        gradients |= judged.gradients
        terms |= {name: term for name, term in judged.terms.items() if name != "total"}
    weights = method.config.loss.weights
    weighted = {name: weights[name] * terms.get(name, 0.0) for name in weights}
    scalars = {"G_L1": weighted["l1"], "z_L1": weighted["latent"], "kl": weighted["kl"]}
    scalars["loss_G"] = terms["total"] - weighted["latent"]
    for number, cycle in CYCLES.items():
        scalars[f"G_GAN{number}"] = weighted[f"adversarial_{cycle}"]
        parts = {part: terms.get(f"{part}_{cycle}", 0.0) for part in ("real", "fake")}
        scalars |= {f"D{number}_{part}": term for part, term in parts.items()} | {f"D{number}": sum(parts.values())}
    scalars |= {f"grad_norm_{theirs}": optax.global_norm(gradients.get(ours, ())) for theirs, ours in NETWORKS.items()}
    if "grad_norm_G_before_z" in case.scalars:
        without = GivenNoise({**case.config, "lambda_z": 0.0}, case.inputs)
        before = gradients_of(without, without.phases()[0], states, {}).gradients["generator"]
        scalars["grad_norm_G_before_z"] = optax.global_norm(before)
    outputs = {f"fake_B_{cycle}": nhwc_to_nchw(image) for cycle, image in kept.items()}
    outputs |= {f"{name}_every_2nd": image[:, :, ::2, ::2] for name, image in outputs.items()}
    outputs |= _codes(method, case, params, states, image[::2], kept["random"])
    return Results(
        {name: array for name, array in outputs.items() if name in case.outputs},
        {name: float(value) for name, value in scalars.items() if name in case.scalars},
    )


def _codes(method: GivenNoise, case: Case, params: Any, states: Any, image: jax.Array, fake: jax.Array) -> Any:
    """What the encoder says of encoded images and of those made with random codes."""

    @jax.jit
    def encode(params: Any, states: Any) -> Any:
        nets = Nets(method.networks(), params, states, train=case.mode == "train")
        return *nets.encoder(image), nets.encoder(fake)[0]

    return dict(zip(("mu", "logvar", "mu2"), encode(params, states), strict=True))

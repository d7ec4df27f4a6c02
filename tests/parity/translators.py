"""The options of pix2pix's and CycleGAN's PyTorch code, and what their reference cases share."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.methods import Method, Nets
from tests.parity.adapter import Results
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import split

Options = Mapping[str, Any]
GAN_MODES = {"vanilla": "cross_entropy", "lsgan": "least_squares", "wgangp": "wasserstein"}


def apply_options(config: ConfigDict, options: Options, *, norm: str, gan_mode: str) -> None:
    """Sets the model and the objective by the reference's options.

    Args:
        norm, gan_mode: the method's defaults of these options.
    """
    model, name = config.model, options.get("netG", "")
    norm = options.get("norm", norm)
    common = {"width": options.get("ngf", 64), "norm": norm, "dropout": options.get("use_dropout", False)}
    common |= {"out_channels": options.get("output_nc", 3)}
    num_downs = options.get("num_downs", 7 if name == "unet_128" else 8)
    num_blocks = options.get("n_blocks", 6 if name == "resnet_6blocks" else 9)
    model.unet = ConfigDict({"num_downs": num_downs, **common})
    model.resnet = ConfigDict({"num_blocks": num_blocks, **common})
    if name or "num_downs" in options or "n_blocks" in options:
        model.architecture = "unet" if name.startswith("unet") or "num_downs" in options else "resnet"
    # A case of a discriminator alone that has no layers to count is PixelGAN.
    alone = not ({"ngf", "n_layers_D"} & set(options))
    kind = options.get("netD", "pixel" if alone else "n_layers")
    num_layers = {"pixel": 0, "basic": 3}.get(kind, options.get("n_layers_D", 3))
    model.discriminator = ConfigDict({"width": options.get("ndf", 64), "num_layers": num_layers, "norm": norm})
    config.loss.adversarial = GAN_MODES[options.get("gan_mode", gan_mode)]


def dropout_masks(method: Method, case: Case) -> dict[str, Any]:
    """The case's masks as the generator's collection "dropout"; {} where it has none."""
    model, masks = method.config.model, {}
    if model.architecture == "unet":
        layers = [f"up_{level}" for level in range(model.unet.num_downs - 2, 3, -1)]
    else:
        layers = [f"block_{i}" for i in range(model.resnet.num_blocks)]
    for i, layer in enumerate(layers):
        if f"dropout_mask_{i}" in case.inputs:
            mask = jnp.asarray(nchw_to_nhwc(case.inputs[f"dropout_mask_{i}"]))
            masks[layer] = {"dropout": {"mask": mask}}
    return {"dropout": masks} if masks else {}


def generator(method: Method, case: Case, variables: Mapping[str, Any], network: str) -> Results:
    """A generator's image, and its running statistics after the pass."""
    params, states = split(variables)
    states[network] |= dropout_masks(method, case)
    image = jnp.asarray(nchw_to_nhwc(case.inputs["input"]))

    @jax.jit
    def call(params: Any, states: Any, image: jax.Array) -> tuple[jax.Array, Any]:
        nets = Nets(method.networks(), params, states, train=case.mode == "train")
        return getattr(nets, network)(image), nets.states[network]

    output, after = call(params, states, image)
    return Results({"image": nhwc_to_nchw(output), **after_pass(method, case, params, after, network)})


def after_pass(method: Method, case: Case, params: Any, after: Mapping[str, Any], network: str) -> dict[str, Any]:
    """The entries of a network's state that the case names as after/NAME."""
    state = to_state_dict({"params": params[network], **after}, method.checkpoint_names()[network])
    return {name: state[name.removeprefix("after/")] for name in case.outputs if name.startswith("after/")}


def discriminator(method: Method, case: Case, variables: Mapping[str, Any], network: str) -> Results:
    """A discriminator's hidden layers and logits."""
    params, states = split(variables)
    image = jnp.asarray(nchw_to_nhwc(case.inputs["input"]))

    @jax.jit
    def call(params: Any, states: Any, image: jax.Array) -> tuple[list[jax.Array], Any]:
        nets = Nets(method.networks(), params, states, train=case.mode == "train")
        return getattr(nets, network)(image), nets.states[network]

    layers, after = call(params, states, image)
    outputs: dict[str, np.ndarray] = {f"layer{i}": nhwc_to_nchw(x) for i, x in enumerate(layers[:-1])}
    outputs |= {"prediction": nhwc_to_nchw(layers[-1]), **after_pass(method, case, params, after, network)}
    return Results({name: array for name, array in outputs.items() if name in case.outputs})

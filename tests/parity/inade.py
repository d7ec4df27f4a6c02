"""INADE's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs.inade import get_config
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import InstanceConv, InstanceLayout, LabelMap
from jaxsyn.losses.variational import kl_divergence, reparameterize
from jaxsyn.methods.inade import Inade
from tests.parity import semantic, spade
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape

STRIDES = {"s1": 1, "s2": 2}


def config_of(options: Mapping[str, Any]) -> ConfigDict:
    """Our config for the reference's options; `max_instances`, which the reference counts, comes with them."""
    config = get_config("cityscapes")
    theirs = spade.config_of(options)
    matched, taps = config.loss.first_matched_feature, config.loss.vgg_layer_weights
    for section in ("data", "loss", "optimizer"):
        config[section] = theirs[section]
    config.loss.first_matched_feature, config.loss.vgg_layer_weights = matched, taps
    config.data.max_instances = options.get("max_instances", 2)
    model = config.model
    model.use_vae, model.discriminator = options.get("use_vae", False), theirs.model.discriminator
    for key in ("width", "upsampling", "norm", "spectral"):
        model.generator[key] = theirs.model.generator[key]
    model.generator.sketch = options.get("add_sketch", False)
    model.noise_channels, model.latent_channels = options.get("noise_nc", 64), options.get("z_dim", 256)
    return config


def templates(options: dict[str, Any]) -> dict[str, Template]:
    """The networks that the options describe; the encoder is always among them, a pair of convolutions where asked."""
    if "fin" in options:
        return {"convolutions": _convolutions(options)}
    method = Inade(config_of({**options, "use_vae": True}))
    data, model = method.config.data, method.config.model
    size = (1, data.height, data.width)
    label = LabelMap(shape(size, jnp.int32), None, method.num_classes)
    noise = shape((1, data.max_instances, 2, model.noise_channels))
    sketch = shape((*size, 1)) if model.generator.sketch else None
    layout = InstanceLayout(label, shape(size, jnp.int32), noise, sketch)
    inputs = {
        "generator": (layout, shape((1, model.latent_channels))),
        "discriminator": (label.replace(extra=shape((*size, 1))), (shape((*size, 3)),)),
        "encoder": (shape((*size, 3)), shape(size, jnp.int32)),
    }
    return semantic.templates(method, inputs)


class GivenNoise(Inade):
    """INADE whose noise is a case's."""

    def __init__(self, config: ConfigDict, inputs: Mapping[str, np.ndarray]):
        super().__init__(config)
        self.inputs = inputs

    def draw_noise(self, batch_size: int, rng: jax.Array, seeds: jax.Array | None = None) -> jax.Array:
        return jnp.asarray(self.inputs["noise"])

    def draw_latent(self, batch_size: int, rng: jax.Array) -> jax.Array:
        return jnp.asarray(self.inputs["noise_ins"])


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if "fin" in case.config:
        return _instance_convolution(case, variables)
    instances = int(case.inputs["instance"].max()) + 1
    method = GivenNoise(config_of({**case.config, "max_instances": instances}), case.inputs)
    batch = semantic.batch_of(case)
    if "sketch" in case.inputs:
        batch["sketch"] = jnp.asarray(nchw_to_nhwc(case.inputs["sketch"]))
    for kind, function in {"losses": semantic.losses, "iterations": semantic.iterations}.items():
        if case.case.startswith(kind):
            return function(method, case, variables, batch)
    if "discriminator" in variables:
        return semantic.discriminator(method, case, variables)
    return (
        _encoder(case, variables, instances) if "encoder" in variables else _generator(method, case, variables, batch)
    )


def _generator(method: Inade, case: Case, variables: dict[str, Any], batch: Mapping[str, jax.Array]) -> Results:
    noise = method.draw_noise(len(batch["label"]), jax.random.key(0))
    if "scale_mu" in case.inputs:
        # The cases hold deviations, not log variances.
        means, deviations = (
            np.stack([case.inputs[f"{k}_{part}"] for k in ("scale", "bias")], 2) for part in ("mu", "std")
        )
        noise = reparameterize(means, 2 * np.log(deviations), noise)
    latent = method.draw_latent(len(noise), jax.random.key(0))

    @jax.jit
    def images(variables: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        nets = semantic.nets_of(method, case, variables)
        return nets.generator(method.layout(batch, noise), latent), nets.states["generator"]

    image, after = images(variables)
    state = to_state_dict({"params": variables["generator"]["params"], **after}, ())
    buffers = {name: state[name.removeprefix("after/")] for name in case.outputs if name.startswith("after/")}
    return Results({"image": nhwc_to_nchw(image), **buffers})


def _encoder(case: Case, variables: dict[str, Any], instances: int) -> Results:
    options = {**case.config, "use_vae": True, "max_instances": instances}
    method, batch = Inade(config_of(options)), semantic.batch_of(case)
    encode = jax.jit(lambda v: semantic.nets_of(method, case, v).encoder(batch["image"], batch["instance"]))
    posterior = encode(variables)
    parts = {"mu": posterior.mean, "logvar": posterior.log_variance}
    outputs = {
        f"{k}_{name}": np.asarray(x[:, :, i]) for name, x in parts.items() for i, k in enumerate(("scale", "bias"))
    }
    return Results(outputs, {"kld": float(kl_divergence(*posterior)) / 2})


def _convolutions(options: Mapping[str, Any]) -> Template:
    x, instance = shape((1, 8, 8, options["fin"])), shape((1, 8, 8), jnp.int32)
    layers = {name: _layer(options, stride) for name, stride in STRIDES.items()}
    init = {name: jax.eval_shape(layer.init, jax.random.key(0), x, instance) for name, layer in layers.items()}
    return Template({"params": {name: variables["params"] for name, variables in init.items()}})


def _layer(options: Mapping[str, Any], stride: int) -> InstanceConv:
    return InstanceConv(options["fout"], kernel_size=options.get("kernel", 3), stride=stride)


def _instance_convolution(case: Case, variables: dict[str, Any]) -> Results:
    x, instance = jnp.asarray(nchw_to_nhwc(case.inputs["x"])), jnp.asarray(label_map(case.inputs["instance"]))
    params = variables["convolutions"]["params"]
    outputs = {
        f"stride{stride}": nhwc_to_nchw(_layer(case.config, stride).apply({"params": params[name]}, x, instance))
        for name, stride in STRIDES.items()
    }
    return Results(outputs)

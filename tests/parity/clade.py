"""CLADE's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from configs.clade import get_config
from jaxsyn.data import position_map
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import LabelMap, PositionedLabels
from jaxsyn.methods.clade import Clade
from jaxsyn.methods.spade import ENCODER_SIZE
from tests.parity import semantic, spade
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import shape


def config_of(options: Mapping[str, Any]) -> ConfigDict:
    """Our config for the reference's options."""
    config = get_config("coco_stuff")
    theirs = spade.config_of(options)
    for section in ("data", "loss", "optimizer"):
        config[section] = theirs[section]
    config.data.use_positions = options.get("add_dist", False)
    for key in config.model:
        config.model[key] = theirs.model[key]
    del config.model.generator.hidden, config.model.generator.kernel_size
    return config


def templates(options: dict[str, Any]) -> dict[str, Template]:
    """The networks that the options describe; the encoder is always among them."""
    method = Clade(config_of({**options, "use_vae": True}))
    data = method.config.data
    size = (1, data.height, data.width)
    label = LabelMap(shape(size, jnp.int32), shape((*size, 1)) if data.use_instance else None, method.num_classes)
    labels = PositionedLabels(label, shape((*size, 2)) if data.use_positions else None)
    style = shape((1, options.get("z_dim", 256))) if options.get("use_vae", False) else None
    inputs = {
        "generator": (labels,) if style is None else (labels, style),
        "discriminator": (label, (shape((*size, 3)),)),
        "encoder": (shape((1, ENCODER_SIZE, ENCODER_SIZE, 3)),),
    }
    return semantic.templates(method, inputs)


GivenNoise = semantic.with_given_noise(Clade)


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    if case.case.startswith("distance_maps"):
        return _distance_maps(case)
    method = GivenNoise(config_of(case.config), case.inputs.get("eps"))
    batch = semantic.batch_of(case)
    if "dist" in case.inputs:
        batch["position"] = jnp.asarray(nchw_to_nhwc(case.inputs["dist"]))
    if case.case.startswith("losses"):
        return semantic.losses(method, case, variables, batch, {"generator_class_affine": "class_specified_affine"})
    if case.case.startswith("iterations"):
        return semantic.iterations(method, case, variables, batch)
    network = next(iter(variables))
    if network == "encoder":
        return spade.run(case, variables)  # SPADE's own
    edge = jnp.asarray(nchw_to_nhwc(case.inputs["edge"]), jnp.float32) if "edge" in case.inputs else None
    label = LabelMap(batch["label"], edge, method.num_classes)
    if edge is None and "instance" in batch:
        label = method.label_map(batch)
    if network == "discriminator":
        return semantic.discriminator(method, case, variables, label)
    return _generator(method, case, variables, PositionedLabels(label, batch.get("position")))


def _distance_maps(case: Case) -> Results:
    labels = label_map(case.inputs["label"])
    outputs = {
        name: nhwc_to_nchw(np.stack([position_map(label, normalized=normalized) for label in labels]))
        for name, normalized in (("dist", True), ("offset", False))
        if name in case.outputs
    }
    return Results(outputs)


def _generator(method: Clade, case: Case, variables: dict[str, Any], labels: PositionedLabels) -> Results:
    style = (jnp.asarray(case.inputs["z"]),) if "z" in case.inputs else ()

    @jax.jit
    def images(variables: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        nets = semantic.nets_of(method, case, variables)
        return nets.generator(labels, *style), nets.states["generator"]

    image, after = images(variables)
    state = to_state_dict({"params": variables["generator"]["params"], **after}, ())
    buffers = {name: state[name.removeprefix("after/")] for name in case.outputs if name.startswith("after/")}
    return Results({"image": nhwc_to_nchw(image), **buffers})

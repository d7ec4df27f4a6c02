"""pix2pixHD's reference cases: the authors' options to our config, and what each kind of case computes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from ml_collections import ConfigDict

from configs.pix2pixhd import get_config
from jaxsyn.evaluation.region_clusters import Rows, region_rows
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import LabelMap, instance_edges, paint_instances
from jaxsyn.methods.pix2pixhd import Pix2pixHd
from jaxsyn.training.step import phase_gradients
from tests.parity import semantic
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, label_map, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.semantic import frozen_of, nets_of, shape, split

Options = Mapping[str, Any]


def config_of(options: Options, instances: int = 1) -> ConfigDict:
    """Our config for the reference's options; an option that a case leaves out has the reference's default.

    Args:
        instances: how many instance numbers there are.
    """
    config = get_config("cityscapes")
    data, model, weights = config.data, config.model, config.loss.weights
    classes = options.get("label_nc", 35)
    # Without classes the input is a picture.
    data.pairing = "" if classes else "paired"
    data.num_classes, data.max_instances = classes, instances
    data.use_instance = not options.get("no_instance", False)
    norm, is_local = options.get("norm", "instance"), options.get("netG", "global") == "local"
    enhancers = options.get("n_local_enhancers", 1)
    config.stage = "joint" if is_local else "global_generator"
    model.generator.width = options.get("ngf", 64) * (2**enhancers if is_local else 1)
    model.generator.num_downsamplings = options.get("n_downsample_global", 4)
    model.generator.num_blocks = options.get("n_blocks_global", 9)
    model.generator.out_channels = options.get("output_nc", 3)
    model.generator.norm = model.discriminator.norm = model.encoder.norm = norm
    model.enhancer.update(num_enhancers=enhancers, num_local_blocks=options.get("n_blocks_local", 3))
    model.discriminator.width = options.get("ndf", 64)
    model.discriminator.num_layers = options.get("n_layers_D", 3) + 1
    model.discriminator.num_scales = options.get("num_D", 2)
    model.use_style = options.get("instance_feat", False) or options.get("label_feat", False)
    model.style_regions = "class" if options.get("label_feat", False) else "instance"
    model.style_channels = options.get("feat_num", 3)
    model.encoder.update(width=options.get("nef", 16), num_downsamplings=options.get("n_downsample_E", 4))
    config.loss.adversarial = "cross_entropy" if options.get("no_lsgan", False) else "least_squares"
    factor = options.get("lambda_feat", 10.0)
    weights.feature_matching = 0.0 if options.get("no_ganFeat_loss", False) else factor
    weights.perceptual = 0.0 if options.get("no_vgg_loss", False) else factor
    config.loss.vgg_weights = "by the weight rule"
    return config


def templates(options: Options) -> dict[str, Template]:
    """The networks that the options describe; the encoder is always among them."""
    config = config_of(options)
    label_inputs, use_style = _input_channels(options), config.model.use_style
    config.model.use_style = True
    method = Pix2pixHd(config)
    model = config.model
    halvings = model.generator.num_downsamplings + (
        model.enhancer.num_enhancers if config.stage != "global_generator" else 0
    )
    size = (1, 2 ** max(halvings, 5), 2 ** max(halvings, 5))
    if config.data.pairing:
        label = LabelMap(shape((*size, label_inputs)), None, label_inputs)
    else:
        label = LabelMap(shape(size, jnp.int32), None, label_inputs)
    edges = 1 if config.data.use_instance else 0
    style = model.style_channels if use_style else 0
    encoded = 2**model.encoder.num_downsamplings
    image = options.get("output_nc", 3)
    inputs = {
        "generator": (_with_extra(label, size, edges + style),),
        "discriminator": (_with_extra(label, size, edges), (shape((*size, image)),)),
        "encoder": (LabelMap(shape((1, encoded, encoded, image)), None, image),),
    }
    return semantic.templates(method, inputs)


def _input_channels(options: Options) -> int:
    return options.get("label_nc", 35) or options.get("input_nc", 3)


def _with_extra(label: LabelMap, size: tuple[int, ...], channels: int) -> LabelMap:
    return label.replace(extra=shape((*size, channels))) if channels else label


def run(case: Case, variables: dict[str, Any]) -> Results:
    """What a case of any kind computes."""
    batch, ids = batch_of(case)
    method = Pix2pixHd(config_of(case.config, ids.shape[1]))
    if "feature_rows" in case.outputs or "feature_map_sampled" in case.outputs:
        return _instance_features(method, case, variables, batch, ids)
    if len(variables) > 1:
        return _losses(method, case, variables, batch)
    functions = {"generator": _generator, "discriminator": _discriminator, "encoder": _encoder}
    return functions[next(iter(variables))](method, case, variables, batch)


def batch_of(case: Case) -> tuple[dict[str, jax.Array], np.ndarray]:
    """The case's batch, its instances numbered in the order of their ids; and these ids, [B, I] padded with -1."""
    batch, ids = {}, np.zeros((1, 1), np.int64)
    for name, array in case.inputs.items():
        if array.ndim != 4:
            continue
        if name == "inst":
            found = [np.unique(one, return_inverse=True) for one in label_map(array)]
            batch["instance"] = jnp.asarray(
                np.stack([numbers.reshape(array.shape[2:]) for _, numbers in found]), jnp.int32
            )
            count = max(len(values) for values, _ in found)
            ids = np.stack([np.pad(values, (0, count - len(values)), constant_values=-1) for values, _ in found])
        elif np.issubdtype(array.dtype, np.integer):
            batch["label"] = jnp.asarray(label_map(array))
        elif name == "image":
            batch["image"] = jnp.asarray(nchw_to_nhwc(array))
        else:
            # The picture to translate, or given styles.
            kind = "source" if name in ("label", "input", "source") else "style"
            batch[kind] = jnp.asarray(nchw_to_nhwc(array))
    return batch, ids


def _generator(method: Pix2pixHd, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array]) -> Results:
    label = method.label_map(batch)
    if "style" in batch:
        extra = [array for array in (label.extra, batch["style"]) if array is not None]
        label = label.replace(extra=jnp.concatenate(extra, axis=-1))

    @jax.jit
    def call(variables: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
        nets = nets_of(method, case, variables)
        return nets.generator(label), nets.states["generator"]

    image, after = call(variables)
    outputs = {"image": nhwc_to_nchw(image), **_edges(case, batch)}
    trained = {"params": variables["generator"]["params"], **after}
    state = to_state_dict(trained, method.checkpoint_names()["generator"])
    outputs |= {name: state[name.removeprefix("after/")] for name in case.outputs if name.startswith("after/")}
    return Results(outputs)


def _edges(case: Case, batch: dict[str, jax.Array]) -> dict[str, np.ndarray]:
    return {"edge": nhwc_to_nchw(instance_edges(batch["instance"])).astype(np.uint8)} if "edge" in case.outputs else {}


def _discriminator(method: Pix2pixHd, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array]) -> Results:
    label = method.label_map(batch)
    scales = jax.jit(lambda v: nets_of(method, case, v).discriminator(label, (batch["image"],))[0])(variables)
    outputs = {
        f"scale{i}/layer{j}": nhwc_to_nchw(layer) for i, layers in enumerate(scales) for j, layer in enumerate(layers)
    }
    return Results({name: array for name, array in outputs.items() if name in case.outputs})


def _encoder(method: Pix2pixHd, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array]) -> Results:
    method.config.model.use_style = True
    image, (numbers, count) = batch["image"], method.regions(batch)

    @jax.jit
    def call(variables: dict[str, Any]) -> tuple[jax.Array, jax.Array]:
        nets = nets_of(method, case, variables)
        pooled = paint_instances(numbers, method.region_styles(nets, image, numbers, count))
        return nets.encoder(LabelMap(image, None, image.shape[-1])), pooled

    raw, pooled = call(variables)
    return Results({"features_raw": nhwc_to_nchw(raw), "features": nhwc_to_nchw(pooled)})


def _instance_features(
    method: Pix2pixHd, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array], ids: np.ndarray
) -> Results:
    """The rows that are clustered, and the map of styles by given draws."""
    method.config.model.use_style = True
    classes = np.where(ids < 1000, ids, ids // 1000)
    batch["label"] = jnp.take_along_axis(jnp.asarray(classes)[:, None, :], batch["instance"], axis=2)
    outputs = {}
    if "feature_rows" in case.outputs:
        rows = jax.jit(lambda v: region_rows(method, nets_of(method, case, v), batch))(variables)
        rows = Rows(*map(np.asarray, rows))
        present = rows.classes[0] >= 0
        table = np.column_stack([rows.classes[0], rows.styles[0], rows.areas[0]])[present]
        outputs["feature_rows"] = table[np.argsort(table[:, 0], kind="stable")]
    given = {int(name.split("/")[1]): array for name, array in case.inputs.items() if name.startswith("clusters/")}
    if given:
        most, channels = max(map(len, given.values())), method.config.model.style_channels
        clusters = np.zeros((method.num_classes, most, channels), np.float32)
        counts = np.zeros(method.num_classes, np.int32)
        for label, centres in given.items():
            clusters[label, : len(centres)], counts[label] = centres, len(centres)
        draws = dict(zip(case.inputs["instance_ids"].tolist(), case.inputs["cluster_index"].tolist(), strict=True))
        choice = jnp.asarray([[draws.get(int(number), 0) for number in row] for row in ids])
        styles = method.clustered_styles(batch, jax.random.key(0), clusters, counts, choice, None)
        outputs["feature_map_sampled"] = nhwc_to_nchw(paint_instances(batch["instance"], styles))
    return Results(outputs)


def _losses(method: Pix2pixHd, case: Case, variables: dict[str, Any], batch: dict[str, jax.Array]) -> Results:
    """Terms and gradient norms of both phases at the case's weights, without the update between them."""
    frozen, (params, states), rng = frozen_of(method), split(variables), jax.random.key(0)
    weights = method.config.loss.weights
    gradients, terms, kept = {}, {}, {}
    for phase in method.phases():
        step = jax.jit(lambda p, s, f, k, phase=phase: phase_gradients(method, phase, p, s, f, batch, rng, k))
        found = step(params, states, frozen, kept)
        kept, states = found.kept, found.states
        gradients |= found.gradients
        terms[phase.name] = found.terms
    of_generator, of_discriminator = terms["generator"], terms["discriminator"]
    scalars = {"G_GAN": of_generator["adversarial"], "loss_G": of_generator["total"]}
    scalars |= {"D_real": of_discriminator["real"], "D_fake": of_discriminator["fake"]}
    scalars |= {"loss_D": of_discriminator["total"]}
    for theirs, ours in (("G_GAN_Feat", "feature_matching"), ("G_VGG", "perceptual")):
        scalars[theirs] = of_generator.get(ours, 0.0) * weights[ours]
    scalars |= {f"grad_norm_{name}": optax.global_norm(tree) for name, tree in gradients.items()}
    outputs = {"fake_image": nhwc_to_nchw(kept["fake"]), **_edges(case, batch)}
    outputs = {name: array for name, array in outputs.items() if name in case.outputs}
    return Results(outputs, {name: float(value) for name, value in scalars.items() if name in case.scalars})

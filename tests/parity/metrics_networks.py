"""The cases of `metrics` that compare what a network computes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from jaxsyn.evaluation.inception import stargan_v2_input, tensorflow_input
from jaxsyn.layers.resample import area_axis, bilinear_axis, resample
from jaxsyn.networks import alexnet, deeplab, upernet
from tests.parity import metrics_templates as networks
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw

Values = dict[str, Any]
INCEPTION_STAGES = (
    "Conv2d_1a_3x3",
    "Conv2d_2b_3x3",
    "Mixed_5b",
    "Mixed_5d",
    "Mixed_6a",
    "Mixed_6e",
    "Mixed_7a",
    "Mixed_7b",
    "Mixed_7c",
)


def run_inception(case: Case, variables: Values) -> Values:
    network = networks.inception_network(case.config)
    found, stages = _stages(network, variables["inception"], tensorflow_input(nchw_to_nhwc(case.inputs["image"])))
    values = {f"features_{width}": found[width] for width in ("64", "192", "768", "2048")}
    values |= {name: found[name] for name in ("logits_unbiased", "logits")}
    values |= {f"{name}_slice": _thinned(stages[name][:1], divisor=6) for name in INCEPTION_STAGES}
    return values | {"stage_mean_std": mean_std([stages[name] for name in INCEPTION_STAGES])}


def run_inception_torchvision(case: Case, variables: Values) -> Values:
    network = networks.inception_network(case.config)
    resized = stargan_v2_input(nchw_to_nhwc(case.inputs["image"]))
    found, stages = _stages(network, variables["inception"], resized)
    return {
        "resized_slice": nhwc_to_nchw(resized)[:, :, ::13, ::13],
        "features_2048": found["2048"],
        "logits": found["logits"],
        "Mixed_5b_slice": nhwc_to_nchw(stages["Mixed_5b"][:1, ::6, ::6, ::32]),
    }


def run_vgg(case: Case, variables: Values) -> Values:
    network = networks.vgg_network(case.config)
    layers = network.apply(variables["vgg"], nchw_to_nhwc(case.inputs["image"]))
    starts = np.cumsum([0, *(2 * count + 1 for count in network.blocks)])
    values = {"layer_mean_std": mean_std(layers)}
    for block, start in enumerate(starts[:-1], start=1):
        for layer in (1, 2):
            values[f"relu{block}_{layer}"] = _thinned(layers[start + 2 * layer - 1], divisor=8)
    return values


def run_alexnet(case: Case, variables: Values) -> Values:
    network = alexnet.AlexNet(taps=(12,), num_classes=case.config["classes"])
    features, logits = network.apply(variables["alexnet"], nchw_to_nhwc(case.inputs["image"]))
    pooled = resample(features, 6, 6, area_axis)
    return {"features": nhwc_to_nchw(features), "pooled": nhwc_to_nchw(pooled)[:, ::4], "logits": logits}


def run_drn(case: Case, variables: Values) -> Values:
    network, levels = networks.drn_network(case.config), range(9)
    ends = {level: f"base_{level}_1" for level in levels}
    ends |= {level: f"base_{level}_{count - 1}" for level, count in enumerate(network.blocks, start=3)}
    (scores, logs), stages = _stages(network, variables["drn"], nchw_to_nhwc(case.inputs["image"]), ends.values())
    # A norm's own output lacks the ReLU that ends the level; a bottleneck's has it.
    outputs = [jax.nn.relu(stages[ends[level]]) for level in levels]
    return {
        "scores": nhwc_to_nchw(scores),
        "log_probabilities": nhwc_to_nchw(logs)[:, :, 1::5, 2::7],
        "prediction": np.asarray(logs.argmax(-1), np.int32),
        "stage_mean_std": mean_std(outputs),
    }


def run_upernet(case: Case, variables: Values) -> Values:
    maps = upernet.ResNetEncoder().apply(variables["encoder"], nchw_to_nhwc(case.inputs["image"]))
    scores = networks.decoder_network(case.config).apply(variables["decoder"], maps)
    probabilities = upernet.class_probabilities(scores, *case.config["seg_size"])
    values = {f"stage{index}": _thinned(x, divisor=4, channel_divisor=8) for index, x in enumerate(maps, start=1)}
    return values | {
        "log_probabilities_quarter": nhwc_to_nchw(nn.log_softmax(scores))[:, ::5, ::2, ::2],
        "probabilities": nhwc_to_nchw(probabilities)[:, ::7, ::7, ::9],
        "prediction": np.asarray(probabilities.argmax(-1), np.int32)[:, ::2, ::2],
    }


def run_deeplab(case: Case, variables: Values) -> Values:
    image = nchw_to_nhwc(case.inputs["image"])
    network = networks.deeplab_network(case.config)
    logits = network.apply(variables["deeplab"], image)
    single = deeplab.DeepLabV2(network.num_classes, network.blocks, network.rates)
    of_base = {collection: tree["base"] for collection, tree in variables["deeplab"].items()}
    alone, stages = _stages(single, of_base, image, ["layer1_conv1"])
    stem = deeplab.max_pool_ceil(stages["layer1_conv1"], padding=1)
    resized = resample(logits, *image.shape[1:3], bilinear_axis)
    return {
        "logits": nhwc_to_nchw(logits)[:, ::3],
        "single_scale": nhwc_to_nchw(alone)[:, ::6],
        "stem": nhwc_to_nchw(stem)[:, ::8, ::3, ::3],
        "scaled_half": nhwc_to_nchw(deeplab.reduced(image, 0.5))[:, :, ::3, ::3],
        "prediction": np.asarray(resized.argmax(-1), np.int32)[:, ::2, ::2],
    }


def run_unet(case: Case, variables: Values) -> Values:
    scores = networks.unet_network(case.config).apply(variables["unet"], nchw_to_nhwc(case.inputs["image"]))
    prediction = np.asarray(scores.argmax(-1), np.int32)
    return {"logits": nhwc_to_nchw(scores)[:, :, ::4, ::4], "prediction": prediction}


def mean_std(layers: Any) -> np.ndarray:
    """Mean and unbiased standard deviation of each layer, [layers, 2]."""
    layers = [np.asarray(x, np.float64) for x in layers]
    return np.array([[x.mean(), x.std(ddof=1)] for x in layers])


def _stages(network: nn.Module, variables: Values, inputs: Any, names: Any = INCEPTION_STAGES) -> tuple[Any, Values]:
    names = set(names)

    @jax.jit
    def apply(inputs: jax.Array) -> tuple[Any, Values]:
        return network.apply(
            variables,
            inputs,
            capture_intermediates=lambda module, method: module.name in names and method == "__call__",
            mutable=["intermediates"],
        )

    outputs, captured = apply(jnp.asarray(inputs))
    return outputs, {name: tree["__call__"][0] for name, tree in captured["intermediates"].items() if name in names}


def _thinned(x: jax.Array, divisor: int, channel_divisor: int = 8) -> np.ndarray:
    """[B, H, W, C] -> [B, c, h, w]: channels, rows and columns in steps of a part of their count."""
    steps = [max(1, size // part) for size, part in zip(x.shape[1:], (divisor, divisor, channel_divisor), strict=True)]
    rows, columns, channels = (slice(None, None, step) for step in steps)
    return nhwc_to_nchw(x[:, rows, columns, channels])


RUNNERS = {
    "inception": run_inception,
    "inception_torchvision": run_inception_torchvision,
    "vgg19": run_vgg,
    "vgg16": run_vgg,
    "alexnet": run_alexnet,
    "drn": run_drn,
    "upernet101": run_upernet,
    "deeplabv2": run_deeplab,
    "unet": run_unet,
}

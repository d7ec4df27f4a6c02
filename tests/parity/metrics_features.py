"""The cases of `metrics` that measure in a network's feature space: LPIPS and what builds on it."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.evaluation.metrics import class_diversity, dipd, lpips
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.metrics_networks import mean_std

Values = dict[str, Any]


class _Distance:
    """LPIPS of a case's backbone and version."""

    def __init__(self, case: Case, variables: Values):
        self.network = lpips.BACKBONES[case.config["net"]].network
        self.backbone = variables["backbone"]
        self.linear = lpips.linear_weights(variables["linear"])
        self.scaled = case.config["version"] != "0.0"

    def taps(self, images: jax.Array) -> tuple[jax.Array, ...]:
        return self.network.apply(self.backbone, lpips.lpips_input(images) if self.scaled else images)

    def __call__(self, first: jax.Array, second: jax.Array) -> jax.Array:
        return lpips.lpips(self.taps(first), self.taps(second), self.linear)

    def map(self, first: jax.Array, second: jax.Array) -> jax.Array:
        return lpips.lpips_map(self.taps(first), self.taps(second), self.linear, *first.shape[1:3])


def run_lpips(case: Case, variables: Values) -> Values:
    distance = _Distance(case, variables)
    first, second = (jnp.asarray(nchw_to_nhwc(case.inputs[name])) for name in ("first", "second"))
    taps = distance.taps(first), distance.taps(second)
    layers = lpips.lpips_layers(*taps, distance.linear)
    gradient = jax.grad(lambda x: distance(x, second).sum())(first)
    return {
        "distance": layers.sum(1),
        "per_layer": layers,
        "gradient_first_input": nhwc_to_nchw(gradient)[:, :, ::2, ::2],
        "spatial": distance.map(first, second)[:, None, ::2, ::2],
        # The option takes [0, 1] images and scales them: the same distance.
        "distance_0_1_inputs": distance(2 * ((first + 1) / 2) - 1, 2 * ((second + 1) / 2) - 1),
        "distance_unweighted": lpips.lpips(*taps, None),
        "features_mean_std": mean_std(taps[1]),
        "imaginaire_distance": lpips.imaginaire_lpips(*taps, distance.linear),
        "mean": layers.sum(1).mean(),
        "gradient_norm_first_input": jnp.linalg.norm(gradient),
        "stargan_v2_batch_value": lpips.lpips(*taps, distance.linear, "stargan_v2").mean(),
    }


def run_class_diversity(case: Case, variables: Values) -> Values:
    distance = _Distance(case, variables)
    label, pairs = case.inputs["label"][:, 0], case.inputs["pairs"]
    images = [nchw_to_nhwc(of_class) for of_class in case.inputs["images"]]
    names = ("class_masked", "others_masked", "class_spatial", "others_spatial")
    found: dict[str, list[Any]] = {name: [] for name in names}
    for index, (of_class, chosen) in enumerate(zip(images, pairs, strict=True)):
        first, second = of_class[chosen[:, 0]], of_class[chosen[:, 1]]
        whole = distance.map(first, second)
        for side, region in (("class", label == index), ("others", label != index)):
            region = jnp.broadcast_to(region, first.shape[:3])
            kept = (class_diversity.keep_region(x, region) for x in (first, second))
            found[f"{side}_masked"].append(distance(*kept))
            found[f"{side}_spatial"].append(class_diversity.region_mean(whole, region))
    values = {name: np.array(rows, np.float64) for name, rows in found.items()}
    masked = class_diversity.class_diversity(values["class_masked"], values["others_masked"])
    spatial = class_diversity.class_diversity(values["class_spatial"], values["others_spatial"])
    return values | {
        "mcsd_masked_images": masked.mcsd,
        "mocd_masked_images": masked.mocd,
        "mcsd_spatial_map": spatial.mcsd,
        "mocd_spatial_map": spatial.mocd,
        "all_pairs_lpips_first_class": _all_pairs(distance, images[0]),
    }


def _all_pairs(distance: _Distance, images: Sequence[np.ndarray]) -> float:
    first, second = np.triu_indices(len(images), 1)
    return float(distance(images[first], images[second]).mean())


def run_dipd(case: Case, variables: Values) -> Values:
    images = (nchw_to_nhwc(case.inputs[name]) for name in ("first", "second"))
    features = [dipd.NETWORK.apply(variables["vgg"], dipd.caffe_input(x))[0] for x in images]
    mean_square = dipd.dipd(*features)
    return {
        "instance_normalised_mean_square": mean_square,
        "instance_normalised_l2": dipd.dipd_l2(*features),
        "channel_normalised_mean_square": dipd.dipd_channel(*features),
        "features_first": nhwc_to_nchw(features[0])[:, ::8],
        "features_mean_std": mean_std(features).ravel(),
        "munit_loss": mean_square.mean(),
    }


RUNNERS = {"lpips": run_lpips, "class_diversity": run_class_diversity, "dipd": run_dipd}

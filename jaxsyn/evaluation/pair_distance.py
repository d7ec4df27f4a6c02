"""Distances and similarities of image pairs, each a function of 8-bit images: LPIPS, DIPD, SSIM, PSNR, L1, ..."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics import dipd, lpips, structural
from jaxsyn.evaluation.placement import place_beside
from jaxsyn.evaluation.weights import MissingWeights, load_weights, shapes_of
from jaxsyn.networks import vgg

PIXEL_METRICS = {
    "ssim": (structural.ssim, "Gaussian window 11, sigma 1.5, range 255"),
    "ms_ssim": (structural.ms_ssim, "5 levels, range 255"),
    "psnr": (structural.psnr, "dB, mean of the images'"),
    "rmse": (lambda first, second: structural.rmse(first / 255.0, second / 255.0), "images in [0, 1]"),
    "l1": (lambda first, second: structural.l1(first / 127.5, second / 127.5), "images in [-1, 1]"),
}
LPIPS_METRICS = {"lpips": "alex", "lpips_vgg": "vgg", "lpips_squeeze": "squeeze"}
BACKBONE_WEIGHTS = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet"}
METRICS = (*PIXEL_METRICS, *LPIPS_METRICS, "dipd")
# Sides below which a window or the last pooling of a network finds no pixel.
SMALLEST_SIDE = {"ssim": 11, "ms_ssim": 16, "lpips": 32, "lpips_vgg": 32, "lpips_squeeze": 32, "dipd": 32}


def require_size(metrics: tuple[str, ...], height: int, width: int) -> None:
    """Raises UserError where images of this size are too small for a metric, or do not halve as MS-SSIM needs."""
    for metric in metrics:
        smallest = SMALLEST_SIDE.get(metric, 1)
        if min(height, width) < smallest:
            raise UserError(f"{metric} needs images of at least {smallest}x{smallest} pixels, found {width}x{height}")
        if metric == "ms_ssim" and (height % 16 or width % 16):
            raise UserError(f"ms_ssim halves images four times: their sides must divide by 16, found {width}x{height}")


class PairDistance(NamedTuple):
    """One of METRICS, ready to use.

    measure: (true images, generated images), uint8 [B, H, W, 3] each -> [B].
    record: its definition, or its files of weights by their SHA-256.
    """

    measure: Callable[[jax.Array, jax.Array], jax.Array]
    record: dict[str, str]


def pair_distance(metric: str, download: bool = False) -> PairDistance | tuple[MissingWeights, ...]:
    """A metric of METRICS, or the weights that it lacks. LPIPS is version 0.1; DIPD is MUNIT's reading."""
    if metric in PIXEL_METRICS:
        function, definition = PIXEL_METRICS[metric]
        return PairDistance(jax.jit(function), {"definition": definition})
    if metric == "dipd":
        found = (load_weights("vgg16", shapes_of(dipd.NETWORK, (1, 64, 64, 3)), vgg.TORCH_RULES, download=download),)
        parts = dipd.NETWORK, dipd.caffe_input, _dipd
    else:
        net = LPIPS_METRICS[metric]
        network, rules, channels = lpips.BACKBONES[net]
        found = (
            load_weights(BACKBONE_WEIGHTS[net], shapes_of(network, (1, 64, 64, 3)), rules, download=download),
            load_weights(f"lpips_{net}", lpips.linear_template(channels), lpips.LINEAR_RULES, download=download),
        )
        parts = network, lpips.lpips_input, _lpips
    missing = tuple(weights for weights in found if isinstance(weights, MissingWeights))
    if missing:
        return missing
    variables = tuple(weights.variables for weights in found)
    return PairDistance(_Measure(*parts, variables), {weights.file: weights.sha256 for weights in found})


def _dipd(first: tuple[jax.Array, ...], second: tuple[jax.Array, ...]) -> jax.Array:
    return dipd.dipd(first[0], second[0])


def _lpips(first: tuple[jax.Array, ...], second: tuple[jax.Array, ...], linear: Any) -> jax.Array:
    return lpips.lpips(first, second, lpips.linear_weights(linear))


class _Measure:
    """A distance of the taps of a network; variables: the network's, then what the distance takes beside the taps."""

    def __init__(self, network: nn.Module, prepare: Callable, distance: Callable, variables: tuple[Any, ...]):
        self._apply = partial(_on_features, network, prepare, distance)
        self._variables = variables

    def __call__(self, real: jax.Array, fake: jax.Array) -> jax.Array:
        self._variables = place_beside(self._variables, real)
        return self._apply(self._variables, real, fake)


# A function of the module, so that another evaluation of the run finds it compiled.
@partial(jax.jit, static_argnums=(0, 1, 2))
def _on_features(
    network: nn.Module,
    prepare: Callable,
    distance: Callable,
    variables: tuple[Any, ...],
    real: jax.Array,
    fake: jax.Array,
) -> jax.Array:
    with jax.default_matmul_precision("highest"):
        taps = [network.apply(variables[0], prepare(images / 127.5 - 1)) for images in (real, fake)]
    return distance(*taps, *variables[1:])

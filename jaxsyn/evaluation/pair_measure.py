"""What is measured on pairs of images: LPIPS, DIPD, SSIM, MS-SSIM, PSNR, RMSE, L1."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics import dipd, lpips, structural
from jaxsyn.evaluation.score import Score
from jaxsyn.evaluation.weights import LoadedWeights, MissingWeights, load_weights
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


class PairMeasure:
    """Averages distances of pairs, batch by batch; per-image values stay available, 4 bytes an image and metric.

    metrics: those of METRICS to report. LPIPS is version 0.1; DIPD takes the input as real and the output as fake.
    """

    def __init__(self, metrics: tuple[str, ...], download: bool = False):
        self.metrics = metrics
        self.values: dict[str, list[np.ndarray]] = {}
        self.missing: dict[str, str] = {}
        self.records: dict[str, dict[str, str]] = {metric: {} for metric in metrics}
        self._functions = {}
        for metric in metrics:
            function = self._function(metric, download)
            if function is not None:
                self._functions[metric] = function
                self.values[metric] = []

    def add(self, real: jax.Array, fake: jax.Array, mask: np.ndarray) -> None:
        """real, fake: uint8 [B, H, W, 3], pairs; mask: bool [B], False for rows that only pad a batch."""
        for metric, function in self._functions.items():
            self.values[metric].append(np.asarray(function(real, fake))[np.asarray(mask)])

    def per_image(self, metric: str) -> np.ndarray:
        """The metric of each pair in the order they came, float32 [N]."""
        return np.concatenate(self.values[metric])

    def scores(self) -> dict[str, Score]:
        """The mean over pairs of each metric; where weights are missing, which."""
        found = {}
        for metric in self.metrics:
            if metric in self.missing:
                found[metric] = Score(None, self.missing[metric])
                continue
            values = self.per_image(metric).astype(np.float64)
            if np.isnan(values).any():
                raise UserError(
                    f"{metric} is NaN for pair {int(np.isnan(values).argmax())}: check its images and weights"
                )
            same = int(np.isinf(values).sum())
            note = f"{same} pairs are identical and left out" if same else ""
            mean = float(values[np.isfinite(values)].mean()) if same < len(values) else float("inf")
            found[metric] = Score(mean, note, self.records[metric])
        return found

    def _function(self, metric: str, download: bool):
        if metric in PIXEL_METRICS:
            function, self.records[metric]["definition"] = PIXEL_METRICS[metric]
            return jax.jit(function)
        if metric == "dipd":
            network, rules, prepare = dipd.NETWORK, vgg.TORCH_RULES, dipd.caffe_input
            variables = self._load(metric, "vgg16", network, rules, download)
            if variables is None:
                return None
            return _on_features(network, prepare, lambda x, y: dipd.dipd(x[0], y[0]), variables)
        net = LPIPS_METRICS[metric]
        backbone = lpips.BACKBONES[net]
        variables = self._load(metric, BACKBONE_WEIGHTS[net], backbone.network, backbone.rules, download)
        template = lpips.linear_template(backbone.channels)
        linear = self._record(metric, load_weights(f"lpips_{net}", template, lpips.LINEAR_RULES, download=download))
        if variables is None or linear is None:
            return None
        weights = lpips.linear_weights(linear)
        return _on_features(backbone.network, lpips.lpips_input, lambda x, y: lpips.lpips(x, y, weights), variables)

    def _load(self, metric: str, name: str, network, rules, download: bool):
        image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
        template = jax.eval_shape(network.init, jax.random.key(0), image)
        return self._record(metric, load_weights(name, template, rules, download=download))

    def _record(self, metric: str, weights: LoadedWeights | MissingWeights):
        if isinstance(weights, MissingWeights):
            self.missing.setdefault(metric, weights.line)
            return None
        self.records[metric] |= {weights.file: weights.sha256}
        return weights.variables


def _on_features(network, prepare, distance, variables):
    @jax.jit
    def of_pairs(variables, real: jax.Array, fake: jax.Array) -> jax.Array:
        with jax.default_matmul_precision("highest"):
            taps = [network.apply(variables, prepare(images / 127.5 - 1)) for images in (real, fake)]
        return distance(*taps)

    variables = jax.device_put(variables)
    return lambda real, fake: of_pairs(variables, real, fake)

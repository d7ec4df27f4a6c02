"""What is measured on Inception's outputs: FID, KID, precision and recall of two sets, Inception Scores of one."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from flax import linen as nn
from jax.experimental.multihost_utils import process_allgather

from jaxsyn.evaluation.inception import PROTOCOLS
from jaxsyn.evaluation.metrics import frechet, inception_score, kernel_distance, precision_recall
from jaxsyn.evaluation.placement import place_beside
from jaxsyn.evaluation.real_statistics import RealFeatures, StatisticsFile
from jaxsyn.evaluation.score import Score
from jaxsyn.evaluation.weights import MissingWeights, load_weights, shapes_of, skipped
from jaxsyn.networks.inception import SIZE

METRICS = ("fid", "kid", "is", "precision_recall", "cis")
# Metrics of generated images alone.
OF_FAKES = ("is", "cis")
# Metrics of two sets that need every feature, not the moments alone.
OF_ALL_FEATURES = ("kid", "precision_recall")
NEIGHBOURS = 3
SPLITS = 10


class InceptionMeasure:
    """Gathers features of a real and a fake set, batch by batch.

    For FID only the moments are kept, so memory does not grow with the images. KID and precision and recall keep
    8 KB an image, the Inception Scores 4 KB a fake image.

    metrics: those of METRICS to report.
    protocol: how images reach the network, a key of `jaxsyn.evaluation.inception.PROTOCOLS`.
    real: what the real images are, as `jaxsyn.evaluation.real_statistics.real_identity` tells; their features are then
        kept in the cache directory, and those kept from an earlier evaluation are used. None: neither.
    """

    def __init__(
        self,
        metrics: tuple[str, ...],
        protocol: str = "pytorch_fid",
        path: str | None = None,
        download: bool = False,
        seed: int = 2020,
        real: Mapping[str, Any] | None = None,
    ):
        self.metrics, self.seed = metrics, seed
        self.record = {"protocol": protocol}
        self.network, weights, self.prepare = PROTOCOLS[protocol]
        template = shapes_of(self.network, (1, SIZE, SIZE, 3))
        self.weights = load_weights(weights, template, path=path, download=download)
        self.sets: dict[str, RealFeatures] = {}
        self.logits: list[np.ndarray] = []
        self.more_logits: list[np.ndarray] = []  # of the further samples of each input, [inputs, samples - 1, K]
        self.file: StatisticsFile | None = None
        self.of_two_sets = bool(set(metrics) - set(OF_FAKES))
        self.keep = bool(set(OF_ALL_FEATURES) & set(metrics))
        if isinstance(self.weights, MissingWeights):
            return
        self.variables = self.weights.variables
        self.record |= {"weights": self.weights.file, "sha256": self.weights.sha256}
        if real is not None and self.of_two_sets:
            self.file = StatisticsFile({"real": real, "protocol": protocol, "weights": self.weights.sha256})
            kept = self.file.load(self.keep)
            if kept is not None:
                self.sets["real"] = kept
        self.reused = "real" in self.sets

    def add(self, side: str, images: jax.Array, mask: np.ndarray) -> None:
        """images: uint8 [B, H, W, 3] of the "real" or "fake" side; mask: bool [B], False for rows that only pad."""
        if isinstance(self.weights, MissingWeights) or (side == "real" and not self.needs_real):
            return
        features, logits = self._outputs(images, mask)
        if self.of_two_sets:
            self.sets.setdefault(side, RealFeatures(features.shape[-1], self.keep)).update(features)
        if side == "fake" and set(OF_FAKES) & set(self.metrics):
            self.logits.append(logits)

    def add_samples(self, samples: Sequence[jax.Array], mask: np.ndarray) -> None:
        """The further images of each input, uint8 [B, H, W, 3] each, which the conditional Inception Score needs."""
        if "cis" in self.metrics and not isinstance(self.weights, MissingWeights):
            self.more_logits.append(np.stack([self._outputs(images, mask)[1] for images in samples], axis=1))

    @property
    def needs_real(self) -> bool:
        """Whether real images still have to be added: not where their statistics are kept, or nothing reads them."""
        return self.of_two_sets and not isinstance(self.weights, MissingWeights) and not self.reused

    def _outputs(self, images: jax.Array, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.variables = place_beside(self.variables, images)
        outputs = _outputs(self.network, self.prepare, self.variables, images)
        features, logits = (array[np.asarray(mask)] for array in process_allgather(outputs, tiled=True))
        return features, logits

    def scores(self) -> dict[str, Score]:
        """One score a metric, several for precision and recall; without weights, why there is none.

        The first one's note tells where the real images' statistics come from, if they are kept.
        """
        if isinstance(self.weights, MissingWeights):
            return {metric: skipped(self.weights) for metric in self.metrics}
        origin = self._keep_real()
        compute = {
            "fid": self._fid,
            "kid": self._kid,
            "is": self._is,
            "cis": self._cis,
            "precision_recall": self._neighbours,
        }
        found = {name: score for metric in self.metrics for name, score in compute[metric]().items()}
        first = next(iter(found))
        found[first] = found[first]._replace(note="; ".join(filter(None, (found[first].note, origin))))
        return found

    def _keep_real(self) -> str:
        if self.file is None:
            return ""
        if self.reused:
            return f"statistics of the real images reused from {self.file.path}"
        if self.file.save(self.sets["real"]):
            return f"statistics of the real images kept in {self.file.path}"
        return f"{self.file.path.parent} cannot be written: statistics of the real images are not kept"

    def _fid(self) -> dict[str, Score]:
        distance = frechet.frechet(self.sets["real"].moments, self.sets["fake"].moments)
        return {"fid": Score(distance.value, distance.note, self.record)}

    def _kid(self) -> dict[str, Score]:
        found = kernel_distance.kid(*self._features(), seed=self.seed)
        drawn = {"subsets": found.subsets, "subset_size": found.subset_size, "seed": self.seed, "std": found.std}
        return {"kid": Score(found.mean, found.note, self.record | drawn)}

    def _is(self) -> dict[str, Score]:
        logits = np.concatenate(self.logits)
        splits = min(SPLITS, len(logits))
        mean, std = inception_score.inception_score(logits[inception_score.shuffled(len(logits), self.seed)], splits)
        note = "" if splits == SPLITS else f"{splits} splits of one image each"
        return {"is": Score(mean, note, self.record | {"splits": splits, "seed": self.seed, "std": std})}

    def _cis(self) -> dict[str, Score]:
        logits = np.concatenate([np.concatenate(self.logits)[:, None], np.concatenate(self.more_logits)], axis=1)
        note = "by ImageNet's classes; the paper's by those of a classifier tuned on the target domain"
        record = self.record | {"samples_per_input": logits.shape[1]}
        return {"cis": Score(inception_score.conditional_inception_score(logits), note, record)}

    def _neighbours(self) -> dict[str, Score]:
        real, fake = self._features()
        names = ("precision", "recall", "density", "coverage")
        fewest = min(len(real), len(fake))
        if fewest <= NEIGHBOURS:
            few = Score(None, f"{NEIGHBOURS} nearest neighbours need more than {NEIGHBOURS} images, found {fewest}")
            return dict.fromkeys(names, few)
        found = precision_recall.precision_recall(real, fake, NEIGHBOURS)
        return {name: Score(getattr(found, name), "", self.record | {"neighbours": NEIGHBOURS}) for name in names}

    def _features(self) -> tuple[np.ndarray, np.ndarray]:
        return tuple(np.concatenate(self.sets[side].rows) for side in ("real", "fake"))


# A function of the module, so that another evaluation of the run finds it compiled.
@partial(jax.jit, static_argnums=(0, 1))
def _outputs(network: nn.Module, prepare: Callable, variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Features [B, 2048] and logits without bias [B, K]."""
    with jax.default_matmul_precision("highest"):
        found = network.apply(variables, prepare(images))
    return found["2048"], found["logits_unbiased"]

"""What is measured on Inception features of two sets: FID, KID, Inception Score, precision and recall."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.evaluation.inception import PROTOCOLS
from jaxsyn.evaluation.metrics import frechet, inception_score, kernel_distance, precision_recall
from jaxsyn.evaluation.score import Score
from jaxsyn.evaluation.weights import LoadedWeights, MissingWeights, load_weights
from jaxsyn.networks.inception import SIZE

METRICS = ("fid", "kid", "is", "precision_recall")
NEIGHBOURS = 3
SPLITS = 10


class InceptionMeasure:
    """Gathers features of a real and a fake set, batch by batch.

    For FID only the moments are kept, so memory does not grow with the images. KID and precision and recall keep
    8 KB an image, the Inception Score 4 KB a fake image.

    metrics: those of METRICS to report.
    protocol: how images reach the network, a key of `jaxsyn.evaluation.inception.PROTOCOLS`.
    """

    def __init__(
        self,
        metrics: tuple[str, ...],
        protocol: str = "pytorch_fid",
        path: str | None = None,
        download: bool = False,
        seed: int = 2020,
    ):
        self.metrics, self.protocol, self.seed = metrics, PROTOCOLS[protocol], seed
        self.record = {"protocol": protocol}
        network = self.protocol.network
        image = jax.ShapeDtypeStruct((1, SIZE, SIZE, 3), jnp.float32)
        template = jax.eval_shape(network.init, jax.random.key(0), image)
        self.weights = load_weights(self.protocol.weights, template, path=path, download=download)
        self.moments: dict[str, frechet.FeatureStatistics] = {}
        self.features: dict[str, list[np.ndarray]] = {"real": [], "fake": []}
        self.logits: list[np.ndarray] = []
        if isinstance(self.weights, LoadedWeights):
            self.variables = jax.device_put(self.weights.variables)
            self.record |= {"weights": self.weights.file, "sha256": self.weights.sha256}

        @jax.jit
        def features(variables: dict, images: jax.Array) -> tuple[jax.Array, jax.Array]:
            with jax.default_matmul_precision("highest"):
                found = network.apply(variables, self.protocol.prepare(images))
            return found["2048"], found["logits_unbiased"]

        self._apply = features

    def add(self, side: str, images: jax.Array, mask: np.ndarray) -> None:
        """images: uint8 [B, H, W, 3] of the "real" or "fake" side; mask: bool [B], False for rows that only pad."""
        if isinstance(self.weights, MissingWeights):
            return
        features, logits = self._apply(self.variables, images)
        if "fid" in self.metrics:
            moments = self.moments.setdefault(side, frechet.FeatureStatistics(features.shape[-1]))
            moments.update(np.asarray(features), mask)
        if {"kid", "precision_recall"} & set(self.metrics):
            self.features[side].append(np.asarray(features)[mask])
        if "is" in self.metrics and side == "fake":
            self.logits.append(np.asarray(logits)[mask])

    def scores(self) -> dict[str, Score]:
        """One score a metric, several for precision and recall; without weights, why there is none."""
        if isinstance(self.weights, MissingWeights):
            return {metric: Score(None, self.weights.line) for metric in self.metrics}
        found: dict[str, Score] = {}
        for metric in self.metrics:
            found |= {"fid": self._fid, "kid": self._kid, "is": self._is, "precision_recall": self._neighbours}[
                metric
            ]()
        return found

    def _fid(self) -> dict[str, Score]:
        distance = frechet.frechet(self.moments["real"], self.moments["fake"])
        return {"fid": Score(distance.value, distance.note, self.record)}

    def _kid(self) -> dict[str, Score]:
        found = kernel_distance.kid(*self._sets(), seed=self.seed)
        drawn = {"subsets": found.subsets, "subset_size": found.subset_size, "seed": self.seed, "std": found.std}
        return {"kid": Score(found.mean, found.note, self.record | drawn)}

    def _is(self) -> dict[str, Score]:
        logits = np.concatenate(self.logits)
        splits = min(SPLITS, len(logits))
        mean, std = inception_score.inception_score(logits[inception_score.shuffled(len(logits), self.seed)], splits)
        note = "" if splits == SPLITS else f"{splits} splits of one image each"
        return {"is": Score(mean, note, self.record | {"splits": splits, "seed": self.seed, "std": std})}

    def _neighbours(self) -> dict[str, Score]:
        found = precision_recall.precision_recall(*self._sets(), NEIGHBOURS)
        record = self.record | {"neighbours": NEIGHBOURS}
        return {
            name: Score(getattr(found, name), "", record) for name in ("precision", "recall", "density", "coverage")
        }

    def _sets(self) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate(self.features["real"]), np.concatenate(self.features["fake"])

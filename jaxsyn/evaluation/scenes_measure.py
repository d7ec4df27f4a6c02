"""What the segmenter of `scenes` says of generated scenes."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.multihost_utils import process_allgather

from jaxsyn.data.scenes.classes import merge_table
from jaxsyn.errors import UserError
from jaxsyn.evaluation.judge import load_judge
from jaxsyn.evaluation.metrics.frechet import FeatureStatistics, frechet
from jaxsyn.evaluation.metrics.segmentation import confusion_matrix, mean_iou, pixel_accuracy
from jaxsyn.evaluation.score import Score
from jaxsyn.networks.segmenter import SegmenterNet

METRICS = (
    "scenes_miou",
    "scenes_miou_real",
    "scenes_miou_ratio",
    "scenes_accuracy",
    "scenes_accuracy_real",
    "scenes_fd",
)


class ScenesMeasure:
    """Whether the segmenter finds in images what their label maps asked for, and how its features are distributed.

    `scenes_miou` and `scenes_accuracy` of generated images, the same with `_real` of the true ones, which is what can
    be reached, `scenes_miou_ratio` of the two, and `scenes_fd`, the Frechet distance of the segmenter's features. None
    of them compares with a published mIoU or FID.

    num_classes: classes of the label maps. Below twelve the prediction is merged by the table that merges the labels.
    """

    def __init__(self, num_classes: int):
        self._num_classes = num_classes
        self._missing = ""
        try:
            self._judge = load_judge()
        except UserError as error:
            self._missing = str(error)
            return
        self._confusion = {side: np.zeros((num_classes, num_classes), np.int64) for side in ("real", "fake")}
        self._features = {side: FeatureStatistics(self._judge.network.widths[-1]) for side in ("real", "fake")}

    def add(
        self,
        label: jax.Array,
        real: jax.Array,
        fake: jax.Array,
        mask: np.ndarray,
        reference: jax.Array | None = None,
    ) -> None:
        """
        Args:
            label: int32 [B, H, W], what real and generated images show.
            real, fake: uint8 [B, H, W, 3].
            mask: bool [B], False for rows that only pad.
            reference: uint8 [B, H, W, 3], whose features the generated images' should be like, if not the real ones'.
        """
        if self._missing:
            return
        for side, images in (("real", real), ("fake", fake)):
            confusion, features = self._judged(images, label, mask)
            self._confusion[side] += confusion
            if side == "real" and reference is not None:
                _, features = self._judged(reference, label, mask)
            self._features[side].update(features, mask)

    def _judged(self, images: jax.Array, label: jax.Array, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        judged = _judge(self._judge.network, self._num_classes, self._judge.variables, images, label, mask)
        return process_allgather(judged, tiled=True)

    def scores(self) -> dict[str, Score]:
        """One score a metric; without the packaged weights, why there is none."""
        if self._missing:
            return {metric: Score(None, self._missing) for metric in METRICS}
        real, fake = self._confusion["real"], self._confusion["fake"]
        distance = frechet(self._features["real"], self._features["fake"])
        values = {
            "scenes_miou": mean_iou(fake),
            "scenes_miou_real": mean_iou(real),
            "scenes_miou_ratio": mean_iou(fake) / mean_iou(real),
            "scenes_accuracy": pixel_accuracy(fake),
            "scenes_accuracy_real": pixel_accuracy(real),
            "scenes_fd": distance.value,
        }
        record = {"scenes_segmenter_sha256": self._judge.sha256}
        return {
            name: Score(value, distance.note if name == "scenes_fd" else "", record) for name, value in values.items()
        }


@partial(jax.jit, static_argnums=(0, 1))
def _judge(
    network: SegmenterNet, num_classes: int, variables: Any, images: jax.Array, label: jax.Array, mask: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Confusion matrix [K, K] of a batch's unmasked images with its label maps, and their features [B, D]."""
    height, width = images.shape[1:3]
    step = 2 ** (len(network.widths) - 1)
    padded = jnp.pad(images, ((0, 0), (0, -height % step), (0, -width % step), (0, 0)), mode="edge")
    logits, features = network.apply(variables, padded / 127.5 - 1)
    merged = jnp.asarray(merge_table(num_classes), jnp.int32)
    prediction = merged[logits[:, :height, :width].argmax(-1)]
    return confusion_matrix(label, prediction, num_classes, mask), features

"""mIoU and pixel accuracy of generated images by the public segmenter of their data set."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.multihost_utils import process_allgather
from ml_collections import ConfigDict

from jaxsyn.evaluation.metrics.segmentation import confusion_matrix, mean_iou, pixel_accuracy
from jaxsyn.evaluation.placement import place_beside
from jaxsyn.evaluation.score import Score
from jaxsyn.evaluation.segmenters import Segmenter, class_table
from jaxsyn.evaluation.weights import MissingWeights, load_weights, shapes_of, skipped

METRICS = ("miou", "accuracy")


class SegmentationMeasure:
    """Whether a public segmenter finds in generated images the classes of their label maps; both in [0, 1].

    segmenter: one of `jaxsyn.evaluation.segmenters.SEGMENTERS`, whose sides `multiple` the images' sizes fit.
    data: the config's section on the data set.
    """

    def __init__(self, segmenter: Segmenter, data: ConfigDict, download: bool = False):
        self._segmenter, self._data = segmenter, data
        found = [
            load_weights(part.weights, shapes_of(part.network, part.inputs), part.rules, download=download)
            for part in segmenter.parts
        ]
        self._missing = tuple(weights for weights in found if isinstance(weights, MissingWeights))
        if self._missing:
            return
        self._files = {weights.file: weights.sha256 for weights in found}
        self._variables = tuple(weights.variables for weights in found)
        self._table = class_table(segmenter, data)
        self._confusion = np.zeros((segmenter.num_classes,) * 2, np.int64)

    def add(self, label: jax.Array, fake: jax.Array, mask: np.ndarray) -> None:
        """label: int32 [B, H, W]; fake: uint8 [B, H, W, 3]; mask: bool [B], False for rows that only pad a batch."""
        if self._missing:
            return
        self._variables = place_beside(self._variables, fake)
        self._confusion += process_allgather(
            _confusion(self._segmenter, self._variables, self._table, label, fake, mask), tiled=True
        )

    def scores(self) -> dict[str, Score]:
        """Both scores; where weights are missing, which."""
        if self._missing:
            return dict.fromkeys(METRICS, skipped(*self._missing))
        segmenter = self._segmenter
        if not self._confusion.any():
            return dict.fromkeys(METRICS, Score(None, f"no label map holds a class that {segmenter.name} knows"))
        record = {
            "segmenter": segmenter.name,
            "height": self._data.height,
            "width": self._data.width,
            "left_out": segmenter.ignored,
            "classes": segmenter.num_classes,
            **self._files,
        }
        return {
            "miou": Score(
                mean_iou(self._confusion, segmenter.classes), "", record | {"mean_over_classes": segmenter.classes}
            ),
            "accuracy": Score(pixel_accuracy(self._confusion), "", record),
        }


@partial(jax.jit, static_argnums=0)
def _confusion(
    segmenter: Segmenter, variables: tuple[Any, ...], table: jax.Array, label: jax.Array, images: jax.Array, mask: Any
) -> jax.Array:
    """Confusion matrix [K, K] of a batch's unmasked images with its label maps."""
    with jax.default_matmul_precision("highest"):
        networks = [part.network for part in segmenter.parts]
        scores = segmenter.scores(networks, variables, images / 127.5 - 1)
    return confusion_matrix(jnp.asarray(table)[label], scores.argmax(-1), segmenter.num_classes, mask)

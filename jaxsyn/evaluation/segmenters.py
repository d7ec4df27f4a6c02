"""The public segmenters that score generated images, and the protocol of the papers for each data set.

Images are segmented at the size at which they were generated, rounded to 8 bits, in one scale but for DeepLab's own
three; label maps are reduced to that size by nearest neighbour and images are not enlarged first. This is what OASIS,
CLADE, INADE and CC-FPSE state; SPADE's own table differs, so compare numbers of one protocol only.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import linen as nn
from ml_collections import ConfigDict

from jaxsyn.data import num_label_classes
from jaxsyn.evaluation.labels import CITYSCAPES_EVALUATED, ade20k_classes, cityscapes_train_ids
from jaxsyn.evaluation.metrics.segmentation import ClassSet
from jaxsyn.layers.resample import bilinear_axis, resample
from jaxsyn.networks import deeplab, drn, upernet


class Part(NamedTuple):
    """One network of a segmenter.

    weights: their name in `jaxsyn.evaluation.weights`. rules: to the names in their file. inputs: shape of an input,
    or shapes.
    """

    network: nn.Module
    weights: str
    rules: tuple[tuple[str, str], ...]
    inputs: Any


class Segmenter(NamedTuple):
    """A segmenter and how a data set's results are scored by it.

    parts: its networks.
    scores: (networks, variables of each, images [B, H, W, 3] in [-1, 1]) -> scores [B, H, W, K], the highest wins.
    num_classes: K.
    classes: over which classes the mean runs (see `ClassSet`).
    multiple: what the images' sides must divide by.
    to_classes: label ids of the pipeline, int [N] -> classes of the segmenter; outside 0 .. K - 1 is left out.
    ignored: what is left out, in words.
    """

    name: str
    parts: tuple[Part, ...]
    scores: Callable[[Sequence[nn.Module], Sequence[Any], jax.Array], jax.Array]
    num_classes: int
    classes: ClassSet
    multiple: int
    to_classes: Callable[[np.ndarray, ConfigDict], np.ndarray]
    ignored: str


def class_table(segmenter: Segmenter, data: ConfigDict) -> np.ndarray:
    """The segmenter's class of each label id of the pipeline, int32; -1 for ids that are left out."""
    table = np.asarray(segmenter.to_classes(np.arange(num_label_classes(data)), data), np.int32)
    return np.where((table >= 0) & (table < segmenter.num_classes), table, -1)


def _drn_scores(networks: Sequence[nn.Module], variables: Sequence[Any], images: jax.Array) -> jax.Array:
    return networks[0].apply(variables[0], drn.drn_input(images))[1]


def _upernet_scores(networks: Sequence[nn.Module], variables: Sequence[Any], images: jax.Array) -> jax.Array:
    maps = networks[0].apply(variables[0], upernet.upernet_input(images))
    return upernet.class_probabilities(networks[1].apply(variables[1], maps), *images.shape[1:3])


def _deeplab_scores(networks: Sequence[nn.Module], variables: Sequence[Any], images: jax.Array) -> jax.Array:
    scores = networks[0].apply(variables[0], deeplab.deeplab_input(images))
    return resample(scores, *images.shape[1:3], bilinear_axis)


def _ade20k_classes(label: np.ndarray, data: ConfigDict) -> np.ndarray:
    return ade20k_classes(label) if data.label_order == "raw" else label


# data.name -> segmenter.
SEGMENTERS = {
    "cityscapes": Segmenter(
        "DRN-D-105",
        (Part(drn.DRN(), "drn_d_105", drn.TORCH_RULES, (1, 64, 64, 3)),),
        _drn_scores,
        len(CITYSCAPES_EVALUATED),
        "union",
        drn.STRIDE,
        lambda label, _: cityscapes_train_ids(label),
        "all ids but the 19 that Cityscapes evaluates",
    ),
    "ade20k": Segmenter(
        "UperNet101",
        (
            Part(upernet.ResNetEncoder(), "upernet_encoder", upernet.ENCODER_RULES, (1, 64, 64, 3)),
            Part(
                upernet.UperNetDecoder(),
                "upernet_decoder",
                upernet.DECODER_RULES,
                tuple((1, 64 // s, 64 // s, c) for s, c in ((4, 256), (8, 512), (16, 1024), (32, 2048))),
            ),
        ),
        _upernet_scores,
        150,
        "all",
        32,
        _ade20k_classes,
        "unlabelled pixels",
    ),
    "coco_stuff": Segmenter(
        "DeepLab-v2 ResNet-101, three scales",
        (Part(deeplab.MultiScaleDeepLab(), "deeplab", deeplab.TORCH_RULES, (1, 65, 65, 3)),),
        _deeplab_scores,
        182,
        "labels",
        1,
        lambda label, _: label,
        "unlabelled pixels",
    ),
}

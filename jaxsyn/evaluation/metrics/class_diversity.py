"""mCSD and mOCD: does changing one class's style change that class, and nothing else? (SMIS, arXiv 2003.12697.)

For each class, many images of one layout differ in that class's style code only. Distances of pairs inside the class,
averaged over classes, are the mean class-specific diversity (mCSD, high is good); outside it, the mean other-classes
diversity (mOCD, low is good). The paper takes 100 images and 19 pairs a class and LPIPS with AlexNet. It does not say
how LPIPS is confined to a region: both readings are here.
"""

from typing import NamedTuple

import jax
import numpy as np

from jaxsyn.errors import UserError


class ClassDiversity(NamedTuple):
    """Means over classes of the mean distance of pairs, inside the class and outside it; at least 0."""

    mcsd: float
    mocd: float


def keep_region(images: jax.Array, region: jax.Array) -> jax.Array:
    """First reading: the images [B, H, W, 3] in [-1, 1] with mid-grey outside region, bool [B, H, W]."""
    return images * region[..., None]


def region_mean(distance_map: jax.Array, region: jax.Array) -> jax.Array:
    """Second reading: the mean of an LPIPS map [B, H, W] over region, bool [B, H, W]; [B], NaN for an empty region."""
    return (distance_map * region).sum((1, 2)) / region.sum((1, 2))


def class_diversity(inside: np.ndarray, outside: np.ndarray) -> ClassDiversity:
    """Averages the distances of pairs, [classes, pairs] each, inside and outside the class that was changed."""
    return ClassDiversity(*(float(np.mean(np.mean(distances, axis=1))) for distances in (inside, outside)))


def sample_pairs(images: int, pairs: int, seed: int) -> np.ndarray:
    """Pairs of different images out of `images`, none twice, int [pairs, 2]; raises UserError if there are too few."""
    every = np.stack(np.triu_indices(images, 1), axis=1)
    if len(every) < pairs:
        raise UserError(f"{images} images make {len(every)} pairs, not {pairs}: generate more images")
    return every[np.random.default_rng(seed).choice(len(every), pairs, replace=False)]

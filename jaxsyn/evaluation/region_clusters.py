"""Styles of the regions of a data set, clustered by class (pix2pixHD, section 3.4)."""

from typing import NamedTuple

import jax
import numpy as np

from jaxsyn.data import eval_batches
from jaxsyn.errors import UserError
from jaxsyn.methods import Batch, Nets
from jaxsyn.methods.pix2pixhd import Pix2pixHd
from jaxsyn.training.runs import Run
from jaxsyn.training.state import TrainState, inference_nets

# The area that counts as one: 1/32 of the image. Regions up to half of that are left out.
AREA_SHARE, SMALLEST_AREA = 32, 0.5


class Rows(NamedTuple):
    """The regions of images: class int [B, R] (-1: no such region), style [B, R, F], area [B, R] in 1/32 of it."""

    classes: jax.Array
    styles: jax.Array
    areas: jax.Array


class Clusters(NamedTuple):
    """Centres float32 [K, C, F], and how many of them each class has, int32 [K]; the rest are zero."""

    clusters: np.ndarray
    cluster_counts: np.ndarray


def region_rows(method: Pix2pixHd, nets: Nets, batch: Batch) -> Rows:
    """The rows of a batch's images."""
    styles = method.region_styles(nets, batch["image"], *method.regions(batch))
    height, width = batch["image"].shape[1:3]
    areas = method.region_areas(batch) / (height * width // AREA_SHARE)
    return Rows(method.region_classes(batch), styles, areas)


def collect_styles(
    run: Run, state: TrainState, split: str = "train", limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Classes [N] and styles [N, F] of the regions of a split's images that are larger than 1/64 of their image.

    Raises:
        UserError: the run's method has no styles of instances, or the data is bad.
    """
    method, config = run.method, run.config
    if not isinstance(method, Pix2pixHd) or not config.model.use_style:
        raise UserError("clusters are of pix2pixHD's instance styles: give a run of it with model.use_style=True")

    @jax.jit
    def rows_of(state: TrainState, batch: dict[str, jax.Array]) -> Rows:
        return region_rows(method, inference_nets(method, state, use_ema=config.eval.use_ema), batch)

    classes, styles = [], []
    for batch in eval_batches(config, split, batch_size=config.eval.batch_size, limit=limit):
        rows = jax.device_get(rows_of(state, {name: array for name, array in batch.items() if name != "name"}))
        used = (rows.classes >= 0) & (rows.areas > SMALLEST_AREA) & batch["mask"][:, None]
        classes.append(rows.classes[used])
        styles.append(rows.styles[used])
    return np.concatenate(classes), np.concatenate(styles)


def cluster_styles(classes: np.ndarray, styles: np.ndarray, num_classes: int, most: int = 10) -> Clusters:
    """k-means of the styles [N, F] of each class, with as many clusters as it has styles and at most `most`.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise UserError("clustering needs scikit-learn, which is not installed: pip install scikit-learn") from error
    clusters = np.zeros((num_classes, most, styles.shape[1]), np.float32)
    counts = np.zeros(num_classes, np.int32)
    for label in np.unique(classes):
        of_class = styles[classes == label]
        counts[label] = min(len(of_class), most)
        means = KMeans(int(counts[label]), n_init=10, random_state=0).fit(of_class)
        clusters[label, : counts[label]] = means.cluster_centers_
    return Clusters(clusters, counts)

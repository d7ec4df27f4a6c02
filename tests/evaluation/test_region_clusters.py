"""Typical styles of each class."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.pix2pixhd import get_config
from jaxsyn.data import eval_batches
from jaxsyn.errors import UserError
from jaxsyn.evaluation.region_clusters import cluster_styles, collect_styles
from jaxsyn.methods.pix2pixhd import Pix2pixHd
from jaxsyn.training.mesh import make_mesh
from jaxsyn.training.runs import Run
from jaxsyn.training.state import TrainState
from tests.arrays import normal


class Colours(nn.Module):
    """Stands for the encoder: a pixel's style is its colour."""

    def __call__(self, label):
        return label.ids


class ColourPix2pixHd(Pix2pixHd):
    """pix2pixHD without parameters."""

    def networks(self):
        return {"encoder": Colours()}


def run_of(**options):
    config = get_config()
    config.data.update(height=16, width=16, eval_length=3)
    config.eval.batch_size, config.mesh.data = 2, 1
    config.ema.decay = 0.0
    config.update_from_flattened_dict(options)
    run = Run(config, ColourPix2pixHd(config), make_mesh(config), None)
    return run, TrainState(jnp.int32(0), {"encoder": {}}, {}, {}, {})


def test_the_styles_are_those_of_the_large_regions_of_every_image():
    run, state = run_of()
    classes, styles = collect_styles(run, state, "val")
    expected = []
    (batch,) = eval_batches(run.config, "val", batch_size=3)
    for image, label, instance in zip(batch["image"], batch["label"], batch["instance"], strict=True):
        for number in np.unique(instance):
            inside = instance == number
            if inside.sum() > 16 * 16 / 64:
                expected.append((label[inside][0], *image[inside].mean(0)))
    found = np.column_stack([classes, styles])
    np.testing.assert_allclose(sorted(map(tuple, found)), sorted(expected), atol=1e-5)


def test_a_model_without_styles_is_an_error():
    with pytest.raises(UserError, match=r"give a run of it with model\.use_style=True"):
        collect_styles(*run_of(**{"model.use_style": False}), "val")


def test_a_class_has_as_many_clusters_as_styles_and_at_most_as_many_as_asked():
    pytest.importorskip("sklearn")
    styles = np.concatenate([normal(6, 3) * 0.01 + offset for offset in (-1, 1)] + [normal(1, 3, seed=1)])
    found = cluster_styles(np.array([0] * 12 + [2]), styles, 4, most=2)
    np.testing.assert_array_equal(found.cluster_counts, [2, 0, 1, 0])
    np.testing.assert_allclose(np.sort(found.clusters[0, :, 0]), [-1, 1], atol=0.05)
    np.testing.assert_allclose(found.clusters[2, 0], styles[-1], atol=1e-6)

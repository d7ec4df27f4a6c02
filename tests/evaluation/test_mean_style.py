"""The mean style of each class over a data set."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.sean import get_config
from jaxsyn.data import eval_batches
from jaxsyn.errors import UserError
from jaxsyn.evaluation.mean_style import mean_style
from jaxsyn.layers import region_means
from jaxsyn.methods.sean import Sean
from jaxsyn.training.mesh import make_mesh
from jaxsyn.training.runs import Run
from jaxsyn.training.state import TrainState
from tests.evaluation.tiny import Copy, tiny_config, tiny_run


class RegionColours(nn.Module):
    """Stands for SEAN's generator: the codes are the regions' mean colours."""

    def encode(self, image, label):
        return region_means(image, label)


class ColourSean(Sean):
    """SEAN without parameters."""

    def networks(self):
        return {"generator": RegionColours()}

    def style_codes(self, nets, image, label):
        return nets.generator(image, label, method=RegionColours.encode)


def test_a_class_has_the_plain_mean_of_its_codes_over_the_images_that_show_it():
    config = get_config()
    config.data.update(height=32, width=32, eval_length=10)
    config.eval.batch_size, config.mesh.data = 4, 1
    method = ColourSean(config)
    run = Run(config, method, make_mesh(config), None)
    state = TrainState(jnp.int32(0), {"generator": {}}, {}, {}, {})
    codes, count = mean_style(run, state, "val")

    (batch,) = eval_batches(config, "val", batch_size=10)
    single = np.asarray(region_means(batch["image"], method.label_map(batch)))
    present = np.array([[(label == k).any() for k in range(12)] for label in batch["label"]])
    np.testing.assert_array_equal(count, present.sum(0))
    for k in np.flatnonzero(count):
        np.testing.assert_allclose(codes[k], single[present[:, k], k].mean(0), atol=1e-5)
    assert not codes[count == 0].any()
    np.testing.assert_array_equal(mean_style(run, state, "val", limit=4).count, present[:4].sum(0))


def test_a_method_without_codes_is_an_error():
    run, state = tiny_run(Copy, tiny_config())
    with pytest.raises(UserError, match="'tiny' has no style codes of regions; give a run of sean"):
        mean_style(run, state)

"""CC-FPSE's discriminator; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import LabelMap, average_pool
from jaxsyn.networks.fpse_discriminator import FPSEDiscriminator, cell_shares
from tests.arrays import filled, integers, normal

CLASSES = 3


def label_map(size=64):
    return LabelMap(integers(0, CLASSES, 2, size, size), normal(2, size, size, 1), CLASSES)


@pytest.mark.parametrize("soft", [False, True])
def test_cells_hold_the_share_of_each_class(soft):
    label = label_map(16)
    dense = label.dense()
    label = label.replace(ids=dense[..., :CLASSES]) if soft else label
    expected = average_pool(dense, window=4, stride=4, padding=0)
    np.testing.assert_allclose(cell_shares(label, 4).dense(), expected, atol=1e-6)


def test_it_scores_three_scales_and_gives_four_levels_of_features():
    network = FPSEDiscriminator(width=2)
    image = jax.ShapeDtypeStruct((2, 64, 64, 3), jnp.float32)
    judged, _ = jax.eval_shape(network.init_with_output, jax.random.key(0), label_map(), (image, image))
    assert len(judged) == 2
    for features, logits in judged:
        assert [x.shape for x in logits] == [(2, size, size, 1) for size in (16, 8, 4)]
        assert [x.shape for x in features] == [(2, 16, 16, 4), (2, 8, 8, 8), (2, 4, 4, 16), (2, 2, 2, 16)]


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_images_that_pass_together_are_judged_as_one_batch(norm):
    network, label = FPSEDiscriminator(width=1, norm=norm), label_map()
    images = [normal(2, 64, 64, 3, seed=seed) for seed in (1, 2)]
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), label, images))
    twice = jax.tree.map(lambda x: np.concatenate([x, x]), label)

    @jax.jit
    def judge(variables):
        apart, _ = network.apply(variables, label, images, mutable=["batch_stats"])
        together, _ = network.apply(variables, twice, [jnp.concatenate(images)], mutable=["batch_stats"])
        return apart, together[0]

    apart, (_, joined) = judge(variables)
    for scale in range(3):
        ours = np.concatenate([logits[scale] for _, logits in apart])
        np.testing.assert_allclose(ours, joined[scale], rtol=1e-3, atol=1e-4)


def test_the_score_depends_on_the_label_map_where_it_changes():
    network, label, image = FPSEDiscriminator(width=2), label_map(), normal(2, 64, 64, 3)
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), label, (image,)))
    changed = label.replace(ids=np.where(np.arange(64) < 32, 0, label.ids))
    finest = jax.jit(lambda label: network.apply(variables, label, (image,))[0][1][0])
    difference = np.abs(np.asarray(finest(changed)) - np.asarray(finest(label)))[..., 0]
    assert difference[:, :, :8].max() > 1e-3
    assert difference[:, :, 8:].max() < 1e-5

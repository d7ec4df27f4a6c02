"""Class-adaptive normalisation by its equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from jaxsyn.layers import CLADE, InstanceNorm, LabelMap, PositionedLabels, instance_edges, look_up_classes
from tests.arrays import filled, integers, normal

CLASSES, CHANNELS = 4, 3
IDS = integers(0, CLASSES, 2, 16, 16, seed=1)
X = normal(2, 8, 8, CHANNELS)
LABEL = LabelMap(IDS, None, CLASSES)
POSITION = np.tanh(normal(2, 16, 16, 2, seed=3))
LAYER = CLADE("instance", kernel_init=nn.initializers.normal(0.5))


def variables_for(labels):
    return filled(jax.eval_shape(LAYER.init, jax.random.key(0), X, labels))


def run(variables, labels):
    return np.asarray(jax.jit(LAYER.apply)(variables, X, labels))


def small(array):
    """At the size of the features, by torch's nearest neighbour: every other pixel."""
    return np.asarray(array)[:, ::2, ::2]


def test_scale_and_shift_are_the_entries_of_the_pixel_s_class():
    variables = variables_for(PositionedLabels(LABEL))
    tables = variables["params"]["class_specified_affine"]
    normalized, _ = InstanceNorm().init_with_output(jax.random.key(0), X)
    expected = normalized * tables["weight"][small(IDS)] + tables["bias"][small(IDS)]
    np.testing.assert_allclose(run(variables, PositionedLabels(LABEL)), expected, atol=1e-5)


def test_positions_scale_both_by_one_plus_a_linear_map_of_the_offset():
    labels = PositionedLabels(LABEL, POSITION)
    variables = variables_for(labels)
    affine = variables["params"]["class_specified_affine"]
    normalized, _ = InstanceNorm().init_with_output(jax.random.key(0), X)

    def factor(name):
        conv = affine[name]
        return 1 + small(POSITION) @ conv["kernel"][0, 0] + conv["bias"]

    scale = affine["weight"][small(IDS)] * factor("dist_conv_w")
    shift = affine["bias"][small(IDS)] * factor("dist_conv_b")
    np.testing.assert_allclose(run(variables, labels), normalized * scale + shift, atol=1e-5)


def test_edges_become_one_more_channel_and_leave_the_others_as_they_are():
    edges = instance_edges(integers(0, 2, 2, 16, 16, seed=5))
    labels = PositionedLabels(LABEL.replace(extra=edges))
    variables = variables_for(labels)
    y, conv = run(variables, labels), variables["params"]["inst_conv"]
    assert y.shape == (2, 8, 8, CHANNELS + 1)
    np.testing.assert_allclose(y[..., -1:], small(edges) * conv["kernel"][0, 0] + conv["bias"], atol=1e-6)
    plain = {"params": {"class_specified_affine": variables["params"]["class_specified_affine"]}}
    np.testing.assert_allclose(y[..., :-1], run(plain, PositionedLabels(LABEL)), atol=1e-6)


def test_new_tables_hold_scales_between_zero_and_one_and_no_shift():
    params = LAYER.init(jax.random.key(0), X, PositionedLabels(LABEL))["params"]["class_specified_affine"]
    assert 0 <= params["weight"].min() < params["weight"].max() < 1
    assert not params["bias"].any()


@pytest.mark.parametrize("outside", [-1, CLASSES, 255])
def test_a_pixel_with_no_class_takes_class_0_as_an_argmax_over_zeros_does(outside):
    ids = jnp.full((1, 2, 2), outside)
    table = normal(CLASSES, 5)
    looked_up = look_up_classes(LabelMap(ids, None, CLASSES), table)
    np.testing.assert_array_equal(looked_up, np.broadcast_to(table[0], (1, 2, 2, 5)))


def test_a_soft_map_takes_its_largest_class():
    soft = nn.softmax(normal(1, 4, 4, CLASSES))
    table = normal(CLASSES, 5)
    hard = LabelMap(soft.argmax(-1), None, CLASSES)
    np.testing.assert_array_equal(look_up_classes(LabelMap(soft, None, CLASSES), table), look_up_classes(hard, table))


def test_the_gradient_of_a_table_sums_over_the_pixels_of_each_class():
    gradient = jax.grad(lambda table: look_up_classes(LABEL, table).sum())(jnp.ones((CLASSES, 2)))
    counts = np.bincount(np.ravel(IDS), minlength=CLASSES)
    np.testing.assert_allclose(gradient, np.repeat(counts[:, None], 2, axis=1))

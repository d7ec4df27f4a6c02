"""SPADE in groups by its equations; its numbers are held by tests/parity."""

import jax
import numpy as np
import pytest
from flax import linen as nn

from jaxsyn.layers import GroupSPADE, InstanceNorm, LabelMap
from jaxsyn.layers.convolution import convolve
from tests.arrays import filled, integers, normal

CLASSES, CHANNELS = 4, 8
IDS = integers(0, CLASSES, 2, 12, 12)
EDGES = integers(0, 2, 2, 12, 12, 1, seed=1).astype(np.float32)
X = normal(2, 6, 6, CHANNELS)


def variables_of(layer, label):
    return filled(jax.eval_shape(layer.init, jax.random.key(0), X, label))


@pytest.mark.parametrize(("label_groups", "groups", "hidden"), [(4, 4, 8), (2, 2, 6), (4, 2, 8), (1, 1, 5)])
def test_it_is_spade_of_grouped_convolutions_over_the_one_hot_map(label_groups, groups, hidden):
    layer, label = GroupSPADE(hidden, label_groups, groups, "instance"), LabelMap(IDS, None, CLASSES)
    variables = variables_of(layer, label)

    @jax.jit
    def expected(params):
        def conv(y, name, groups):
            return convolve(y, params[name]["kernel"], padding=1, groups=groups) + params[name]["bias"]

        hidden = nn.relu(conv(label.resize(6, 6).dense(), "mlp_shared", label_groups))
        gamma, beta = (conv(hidden, name, groups) for name in ("mlp_gamma", "mlp_beta"))
        return InstanceNorm().apply({}, X) * (1 + gamma) + beta

    ours = jax.jit(layer.apply)(variables, X, label)
    np.testing.assert_allclose(ours, expected(variables["params"]), atol=1e-5)


def test_edges_stand_beside_every_class():
    layer, label = GroupSPADE(8, CLASSES, CLASSES, "instance"), LabelMap(IDS, EDGES, CLASSES)
    variables = variables_of(layer, label)
    assert variables["params"]["mlp_shared"]["kernel"].shape == (3, 3, 2, 8)
    small = label.resize(6, 6)
    one_hot = np.asarray(small.replace(extra=None).dense())
    interleaved = np.stack([one_hot, np.broadcast_to(small.extra, one_hot.shape)], axis=-1).reshape(2, 6, 6, -1)
    shared, beta = (variables["params"][name] for name in ("mlp_shared", "mlp_beta"))
    hidden = nn.relu(convolve(interleaved, shared["kernel"], padding=1, groups=CLASSES) + shared["bias"])
    expected = convolve(hidden, beta["kernel"], padding=1, groups=CLASSES) + beta["bias"]
    np.testing.assert_allclose(jax.jit(layer.apply)(variables, 0 * X, label), expected, atol=1e-5)


def test_with_a_group_a_class_a_label_reaches_its_own_channels_alone():
    layer, other = GroupSPADE(8, CLASSES, CLASSES, "instance"), IDS.copy()
    other[other == 1] = 2
    variables = variables_of(layer, LabelMap(IDS, None, CLASSES))
    first, second = (np.asarray(layer.apply(variables, X, LabelMap(ids, None, CLASSES))) for ids in (IDS, other))
    changed = np.abs(first - second).max((0, 1, 2)).reshape(CLASSES, -1).max(1) > 1e-4
    np.testing.assert_array_equal(changed, [False, True, True, False])


def test_group_norm_has_a_group_a_class_and_a_learned_scale():
    layer, label = GroupSPADE(8, CLASSES, CLASSES, "group"), LabelMap(IDS, None, CLASSES)
    params = jax.eval_shape(layer.init, jax.random.key(0), X, label)["params"]
    assert params["param_free_norm"]["scale"].shape == (CHANNELS,)


def test_with_first_gamma_of_minus_one_features_of_a_class_begin_where_it_is():
    layer = GroupSPADE(8, CLASSES, CLASSES, "instance", kernel_size=1, first_gamma=-1.0)
    ids = IDS[:, ::2, ::2]
    y, variables = layer.init_with_output(jax.random.key(0), X, LabelMap(ids, None, CLASSES))
    nothing = np.abs(y.reshape(*ids.shape, CLASSES, -1)).max(-1) == 0
    np.testing.assert_array_equal(nothing, np.arange(CLASSES) != ids[..., None])
    assert set(np.unique(variables["params"]["mlp_gamma"]["bias"])) == {-1.0}

"""CC-FPSE's label encoder."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap
from jaxsyn.networks.label_encoder import LabelEncoder
from jaxsyn.networks.normed_conv import NormedConv
from tests.arrays import filled, integers, normal

LABEL = LabelMap(integers(0, 3, 1, 16, 32), normal(1, 16, 32, 1), 3)


def encode(label):
    network = LabelEncoder(width=2, doublings=3, norm="instance")
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), LABEL))
    return jax.jit(lambda label: network.apply(variables, label))(label)


def test_the_features_of_every_size_stand_behind_the_label_maps_channels():
    encoded = encode(LABEL)
    assert [level.shape for level in encoded.pyramid] == [(1, 2**i, 2 ** (i + 1), 2) for i in (1, 2, 3, 4)]
    for level in encoded.pyramid:
        size = level.shape[1:3]
        label = encoded.resize(*size)
        assert label.channels == LABEL.channels + 2
        expected = jnp.concatenate([LABEL.resize(*size).dense(), level], axis=-1)
        np.testing.assert_array_equal(label.dense(), expected)


def test_features_know_more_than_the_label_at_their_pixel():
    other = LABEL.replace(ids=jnp.asarray(LABEL.ids).at[:, :, 16:].set(0))
    first, second = encode(LABEL).pyramid[-1], encode(other).pyramid[-1]
    assert np.abs(first - second)[:, :, 8].max() > 1e-4


def test_a_norm_that_does_not_exist_is_an_error():
    with pytest.raises(UserError, match="'layer' is not known; choose one of none, batch, syncbatch, instance"):
        NormedConv(2, norm="layer").init(jax.random.key(0), normal(1, 4, 4, 2))

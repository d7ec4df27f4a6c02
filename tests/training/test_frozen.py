"""Networks with given weights."""

import flax.linen as nn
import jax
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import to_state_dict
from jaxsyn.layers import Conv
from jaxsyn.methods import Frozen
from jaxsyn.training.frozen import frozen_shapes, load_frozen, require_frozen_files
from tests.arrays import filled
from tests.training.toy import Toy, toy_config


class Features(nn.Module):
    @nn.compact
    def __call__(self, image):
        return Conv(2, name="conv")(image)


class FrozenToy(Toy):
    def __init__(self, weights):
        super().__init__(toy_config())
        self.weights = str(weights)

    def frozen(self):
        return {"vgg": Frozen(Features(), self.weights, "set the file", ((r"^conv\.", "features.0."),), (1, 8, 8, 3))}


@pytest.fixture
def params():
    return filled(jax.eval_shape(Features().init, jax.random.key(0), np.zeros((1, 8, 8, 3), np.float32)))["params"]


@pytest.fixture
def weights(tmp_path, params):
    path = tmp_path / "weights.npz"
    state = to_state_dict({"params": params}, ((r"^conv\.", "features.0."),))
    np.savez(path, **state, **{"classifier.weight": np.zeros((5, 5))})
    return path


def test_weights_come_from_the_file_and_layers_after_the_last_used_one_do_not_matter(weights, params):
    loaded = load_frozen(FrozenToy(weights))
    assert set(loaded) == {"vgg"}
    jax.tree.map(np.testing.assert_array_equal, loaded["vgg"], params)


def test_the_shapes_need_no_file(params):
    shapes = frozen_shapes(FrozenToy(""))
    assert jax.tree.map(lambda leaf: leaf.shape, shapes["vgg"]) == jax.tree.map(np.shape, params)


def test_a_file_that_is_not_set_is_the_methods_own_remedy():
    for check in (require_frozen_files, load_frozen):
        with pytest.raises(UserError, match="set the file"):
            check(FrozenToy(""))


def test_a_file_that_does_not_exist_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UserError, match=r"vgg\.pth: no such file of weights"):
        require_frozen_files(FrozenToy(tmp_path / "vgg.pth"))


def test_weights_of_another_network_are_an_error_that_names_file_and_layer(weights, params):
    np.savez(weights, **{"features.0.weight": np.zeros((4, 3, 3, 3)), "features.0.bias": np.zeros(4)})
    with pytest.raises(UserError, match=r"weights\.npz does not fit the network: .*features\.0"):
        load_frozen(FrozenToy(weights))


def test_generating_needs_no_file_of_a_network_that_losses_alone_call():
    assert load_frozen(FrozenToy(""), generating=True) == {}

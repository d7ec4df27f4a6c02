"""Checkpoints are whole, and of the run that asks for them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.checkpoints import Checkpoints
from tests.training.toy import Toy, toy_config, toy_state


@pytest.fixture(scope="module")
def state():
    return toy_state(Toy(toy_config(**{"ema.decay": 0.9})))


@pytest.fixture
def checkpoints(tmp_path):
    manager = Checkpoints(tmp_path / "checkpoints")
    yield manager
    manager.close()


def template(state):
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding), state)


def test_what_was_saved_comes_back_to_the_bit(checkpoints, state):
    checkpoints.save(3, state)
    checkpoints.wait()
    restored = checkpoints.restore(3, template(state))
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, restored, state)


def test_a_new_directory_has_no_step_and_later_the_last_two(checkpoints, state):
    assert checkpoints.latest_step() is None
    for step in (1, 2, 5):
        checkpoints.save(step, state)
    checkpoints.wait()
    assert checkpoints.steps() == [2, 5]
    assert checkpoints.latest_step() == 5


def test_a_step_that_exists_stays_as_it_is(checkpoints, state):
    checkpoints.save(1, state)
    checkpoints.wait()
    checkpoints.save(1, jax.tree.map(lambda leaf: leaf + 1, state))
    checkpoints.wait()
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(1, template(state)), state)


def test_the_state_may_change_while_it_is_written(checkpoints, state):
    advance = jax.jit(lambda state: jax.tree.map(lambda leaf: leaf + 1, state), donate_argnums=0)
    current = jax.tree.map(jnp.copy, state)
    checkpoints.save(1, current)
    advance(current)
    checkpoints.wait()
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(1, template(state)), state)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of the library's own threads
@pytest.mark.parametrize("change", ["width", "network"])
def test_a_checkpoint_of_another_model_is_an_error_that_names_it(checkpoints, state, change):
    checkpoints.save(1, state)
    checkpoints.wait()
    params = dict(state.params)
    if change == "width":
        params["generator"] = {"scale": jnp.zeros((3, 3))}
    else:
        params["encoder"] = {"scale": jnp.zeros(())}
    with pytest.raises(UserError, match=r"checkpoints/1: the checkpoint does not fit this config .*another --workdir"):
        checkpoints.restore(1, template(state.replace(params=params)))

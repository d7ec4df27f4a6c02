"""Checkpoints are whole, and of the run that asks for them."""

import errno
import os
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.checkpoints import DELETED, Checkpoints, steps_in
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


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"generator": {"scale": jnp.zeros((3, 3))}}, r"params\.generator\.scale: expected \[3, 3\], found \[\]"),
        ({"encoder": {"bias": jnp.zeros(5)}}, r"params\.encoder\.bias: expected \[5\], found none"),
    ],
)
def test_a_checkpoint_of_another_model_is_an_error_that_names_what_differs(checkpoints, state, change, told):
    checkpoints.save(1, state)
    checkpoints.wait()
    other = state.replace(params={**state.params, **change})
    with pytest.raises(UserError, match=rf"checkpoints/1: the checkpoint does not fit .*{told}.*another --workdir"):
        checkpoints.restore(1, template(other))


def test_of_many_differences_three_are_named_and_the_rest_counted(checkpoints, state):
    checkpoints.save(1, state.replace(params={}))
    checkpoints.wait()
    many = {"encoder": {f"bias{i}": jnp.zeros(5) for i in range(6)}}
    told = r"bias0: .*; params\.encoder\.bias1: .*; params\.encoder\.bias2: .*; and 3 more"
    with pytest.raises(UserError, match=told):
        checkpoints.restore(1, template(state.replace(params=many)))


def test_a_damaged_checkpoint_is_an_error_that_names_it(checkpoints, state, tmp_path):
    checkpoints.save(1, state)
    checkpoints.wait()
    for path in (tmp_path / "checkpoints" / "1").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"checkpoints/1: not a readable checkpoint .*; remove it"):
        checkpoints.restore(1, template(state))


def test_old_checkpoints_leave_in_one_go_and_are_deleted_before_the_next(tmp_path, state):
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=1)
    for step in (1, 2, 3):
        checkpoints.save(step, state)
        checkpoints.wait()
    assert steps_in(tmp_path / "checkpoints") == checkpoints.steps() == [3]
    assert [path.name for path in (tmp_path / "checkpoints" / DELETED).iterdir()] == ["2"]
    checkpoints.close()
    Checkpoints(tmp_path / "checkpoints", keep=1, sweep=True).close()
    assert not (tmp_path / "checkpoints" / DELETED).exists()


def test_a_checkpoint_that_was_being_written_when_the_process_died_is_none_and_is_swept_away(tmp_path, state):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(1, state)
    checkpoints.close()
    half = tmp_path / "checkpoints" / "2.orbax-checkpoint-tmp"
    shutil.copytree(tmp_path / "checkpoints" / "1", half)
    reader = Checkpoints(tmp_path / "checkpoints")
    assert reader.steps() == steps_in(tmp_path / "checkpoints") == [1]
    reader.close()
    assert half.exists()  # another process may be writing it
    writer = Checkpoints(tmp_path / "checkpoints", sweep=True)
    writer.save(3, state)
    writer.close()
    assert steps_in(tmp_path / "checkpoints") == [1, 3]
    assert not half.exists()


def test_a_disk_that_takes_no_more_is_an_error_and_the_last_good_checkpoint_stays(checkpoints, state, monkeypatch):
    checkpoints.save(1, state)
    checkpoints.wait()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", full)
        patched.setattr(os, "replace", full)
        checkpoints.save(2, state)
        with pytest.raises(UserError, match=r"cannot be written \(.*No space left.*the same command goes on"):
            checkpoints.wait()
    assert steps_in(checkpoints.directory) == [1]
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(1, template(state)), state)

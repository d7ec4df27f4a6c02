"""Runs on their devices."""

import jax
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training import runs
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.runs import make_run, restore_run
from jaxsyn.training.workdir import CHECKPOINTS, open_workdir
from tests.training.toy import Toy, toy_config


@pytest.fixture
def config(monkeypatch):
    monkeypatch.setattr(runs, "build", Toy)
    return toy_config(method="toy", **{"mesh.data": 1})


@pytest.fixture
def workdir(config, tmp_path):
    """A run with checkpoints of steps 2 and 4, whose generators multiply by 2 and 4."""
    path = open_workdir(tmp_path, config)
    state = make_run(config).initial_state()
    checkpoints = Checkpoints(path / CHECKPOINTS)
    for step in (2, 4):
        params = {**state.params, "generator": {"scale": jax.numpy.float32(step)}}
        checkpoints.save(step, state.replace(params=params))
    checkpoints.close()
    return path


def test_the_initial_state_has_the_shapes_and_places_of_the_template(config):
    run = make_run(config)
    state = run.initial_state()
    described = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.sharding), state)
    assert described == jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.sharding), run.template)


def test_the_seed_decides_the_initial_state(config):
    first, second = make_run(config).initial_state(), make_run(config).initial_state()
    jax.tree.map(np.testing.assert_array_equal, first, second)


@pytest.mark.parametrize(("step", "scale"), [(None, 4), (2, 2), (4, 4)])
def test_a_trained_run_comes_back_at_the_newest_step_or_the_one_asked_for(config, workdir, step, scale):
    _, state = restore_run(config, workdir, step)
    assert state.params["generator"]["scale"] == scale


def test_a_step_without_a_checkpoint_is_an_error_that_lists_the_steps(config, workdir):
    with pytest.raises(UserError, match=r"has no checkpoint 3; there are \[2, 4\]"):
        restore_run(config, workdir, 3)


def test_a_directory_without_a_run_or_without_a_checkpoint_is_an_error(config, tmp_path):
    with pytest.raises(UserError, match=r"holds no run: train one with train\.py --workdir"):
        restore_run(config, tmp_path)
    open_workdir(tmp_path, config)
    with pytest.raises(UserError, match="has no checkpoint yet"):
        restore_run(config, tmp_path)

"""A stage takes over what the ones before it left."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.config import default_config
from jaxsyn.training.stages import checkpoint_directory, earlier_checkpoint, take_over
from jaxsyn.training.state import TrainState
from jaxsyn.training.workdir import CHECKPOINTS, compare_config, open_workdir
from tests.arrays import normal

STAGES = ("coarse", "fine", "finest")


def config_of(stage):
    config = default_config()
    config.method, config.stages, config.stage = "toy", STAGES, stage
    config.model = {"width": STAGES.index(stage)}
    return config


def state_of(step, seed, **shapes):
    params = {"generator": {name: {"kernel": jnp.asarray(normal(*shape, seed=seed))} for name, shape in shapes.items()}}
    moments = jax.tree.map(lambda x: x + 1, params)
    return TrainState(jnp.int32(step), params, {"generator": {}}, moments, jax.tree.map(lambda x: 2 * x, params))


def save(workdir, stage, state):
    checkpoints = Checkpoints(checkpoint_directory(workdir, config_of(stage)))
    checkpoints.save(int(state.step), state)
    checkpoints.close()


def test_a_recipe_without_stages_keeps_its_checkpoints_in_one_place(tmp_path):
    assert checkpoint_directory(tmp_path, default_config()) == tmp_path / "checkpoints"
    assert earlier_checkpoint(tmp_path, default_config()) is None


def test_a_stage_goes_on_from_the_nearest_before_it(tmp_path):
    assert earlier_checkpoint(tmp_path, config_of("coarse")) is None
    save(tmp_path, "coarse", state_of(7, 0, shared=(2,)))
    assert earlier_checkpoint(tmp_path, config_of("finest")) == (tmp_path / "checkpoints" / "coarse", 7)
    save(tmp_path, "fine", state_of(9, 0, shared=(2,)))
    assert earlier_checkpoint(tmp_path, config_of("finest")) == (tmp_path / "checkpoints" / "fine", 9)


def test_a_stage_with_checkpoints_of_its_own_takes_nothing_over(tmp_path):
    save(tmp_path, "coarse", state_of(7, 0, shared=(2,)))
    save(tmp_path, "fine", state_of(9, 0, shared=(2,)))
    assert earlier_checkpoint(tmp_path, config_of("fine")) is None


def test_a_stage_out_of_turn_is_an_error_that_names_the_one_to_train(tmp_path):
    with pytest.raises(UserError, match="no checkpoint of stage coarse, from which stage fine goes on: train with"):
        earlier_checkpoint(tmp_path, config_of("fine"))


def test_arrays_of_the_same_name_and_shape_are_taken_and_the_optimiser_begins_anew(tmp_path):
    old = state_of(7, 1, shared=(2, 3), widened=(4,), dropped=(5,))
    save(tmp_path, "coarse", old)
    new = state_of(0, 2, shared=(2, 3), widened=(6,), added=(7,))
    taken = take_over(new, *earlier_checkpoint(tmp_path, config_of("fine")))

    assert int(taken.step) == 7
    assert jax.tree.structure(taken) == jax.tree.structure(new)
    expected = {**new.params["generator"], "shared": old.params["generator"]["shared"]}
    jax.tree.map(np.testing.assert_array_equal, taken.params, {"generator": expected})
    np.testing.assert_array_equal(taken.ema["generator"]["shared"]["kernel"], old.ema["generator"]["shared"]["kernel"])
    jax.tree.map(np.testing.assert_array_equal, taken.optimizers, new.optimizers)


def test_a_later_stage_may_have_another_model_and_an_earlier_one_may_not_come_back(tmp_path):
    open_workdir(tmp_path, config_of("coarse"))
    (tmp_path / CHECKPOINTS / "coarse" / "3").mkdir(parents=True)
    open_workdir(tmp_path, config_of("fine"))
    assert compare_config(tmp_path, config_of("fine")) == []
    with pytest.raises(UserError, match="stage: fine -> coarse"):
        open_workdir(tmp_path, config_of("coarse"))

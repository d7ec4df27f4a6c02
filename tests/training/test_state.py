"""What a run is between two steps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.state import inference_nets
from tests.training.toy import BATCH, Toy, toy_config, toy_state


def test_the_initial_state_holds_every_trained_network_and_counts_no_call():
    state = toy_state(Toy(toy_config()))
    for part in (state.params, state.states, state.optimizers):
        assert set(part) == {"generator", "discriminator"}
    assert float(state.params["generator"]["scale"]) == 2
    assert float(state.states["generator"]["batch_stats"]["calls"]) == 0
    assert state.step == 0
    assert state.ema == {}


def test_the_average_begins_at_the_parameters():
    state = toy_state(Toy(toy_config(**{"ema.decay": 0.9})))
    jax.tree.map(np.testing.assert_array_equal, state.ema["generator"], state.params["generator"])


def test_an_average_of_a_network_that_the_recipe_does_not_know_is_an_error():
    method = Toy(toy_config(**{"ema.decay": 0.9, "ema.networks": ("generatr",)}))
    with pytest.raises(UserError, match=r"ema\.networks names 'generatr': choose from discriminator, generator"):
        toy_state(method)


def test_inference_takes_averaged_parameters_and_statistics_where_asked_and_changes_no_state():
    method = Toy(toy_config(**{"ema.decay": 0.9}))
    averages = {"ema": {"generator": {"scale": jnp.float32(7)}}}
    averages["ema_statistics"] = {"generator": {"calls": jnp.float32(5)}}
    state = toy_state(method).replace(**averages)
    for use_ema, scale, calls in ((True, 7, 5), (False, 2, 0)):
        nets = inference_nets(method, state, use_ema=use_ema)
        np.testing.assert_allclose(nets.generator(BATCH["image"]), scale * BATCH["image"], rtol=1e-6)
        assert nets.states["generator"]["batch_stats"]["calls"] == calls
        assert nets.states["discriminator"] == state.states["discriminator"]

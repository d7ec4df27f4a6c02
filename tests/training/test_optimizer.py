"""Rates and clipping."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.optimizer import clip_by_global_norm, hold, learning_rate, make_optimizer
from tests.training.toy import toy_config


def rates(steps, **options):
    config = toy_config(**{f"optimizer.{name}": value for name, value in options.items()}).optimizer
    return [float(learning_rate(config, "generator", jnp.int32(step))) for step in steps]


def test_without_decay_the_rate_is_constant():
    np.testing.assert_allclose(rates((0, 10, 10**6)), 0.1)


def test_the_rate_falls_linearly_to_zero_and_stays_there():
    found = rates((0, 100, 125, 150, 200, 500), decay_start=100, decay_steps=100)
    np.testing.assert_allclose(found, [0.1, 0.1, 0.075, 0.05, 0, 0], atol=1e-8)


def test_a_network_without_a_rate_is_an_error_that_names_the_key():
    with pytest.raises(UserError, match=r"no rate for 'encoder': set optimizer\.learning_rate\.encoder"):
        learning_rate(toy_config().optimizer, "encoder", jnp.int32(0))


@pytest.mark.parametrize("largest", [0.5, 5.0, 50.0])
def test_clipping_keeps_the_direction_and_ends_at_the_largest_norm(largest):
    gradients = {"a": jnp.asarray([3.0, 0.0]), "b": {"c": jnp.asarray([[4.0]])}}
    clipped = clip_by_global_norm(gradients, largest)
    np.testing.assert_allclose(optax.global_norm(clipped), min(largest, 5), rtol=1e-6)
    np.testing.assert_allclose(clipped["a"][0] * 4, clipped["b"]["c"][0, 0] * 3, rtol=1e-6)


def test_zero_clips_nothing_and_zero_gradients_stay_finite():
    gradients = {"a": jnp.asarray([30.0, -40.0])}
    assert clip_by_global_norm(gradients, 0.0) is gradients
    assert not clip_by_global_norm({"a": jnp.zeros(3)}, 1.0)["a"].any()


def test_the_rate_is_multiplied_each_time_that_so_many_steps_are_done():
    found = rates((0, 99, 100, 199, 200), decay_every=100, decay_factor=0.5)
    np.testing.assert_allclose(found, [0.1, 0.1, 0.05, 0.05, 0.025])


def test_weight_decay_is_part_of_the_gradient_before_its_moments():
    config = toy_config(**{"optimizer.b1": 0.0, "optimizer.b2": 0.0, "optimizer.weight_decay": 0.5}).optimizer
    optimizer, params = make_optimizer(config), {"a": jnp.asarray([4.0, -4.0])}
    updates, _ = optimizer.update({"a": jnp.asarray([-1.0, 1.0])}, optimizer.init(params), params)
    np.testing.assert_allclose(updates["a"], [1, -1], rtol=1e-6)


def test_parameters_that_are_held_keep_their_values():
    updates = {"a": {"kernel": jnp.ones(2)}, "b": {"kernel": jnp.ones(2)}}
    held = hold(updates, (r"^b\.",))
    np.testing.assert_array_equal(held["a"]["kernel"], [1, 1])
    np.testing.assert_array_equal(held["b"]["kernel"], [0, 0])
    assert hold(updates, ()) is updates

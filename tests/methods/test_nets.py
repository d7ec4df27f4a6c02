"""Networks by name, their state threaded from call to call."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from jaxsyn.methods import InitializingNets, Nets


class Counter(nn.Module):
    """Multiplies by its parameter and adds how often it was called in training mode."""

    @nn.compact
    def __call__(self, x):
        scale = self.param("scale", nn.initializers.normal(), ())
        calls = self.variable("batch_stats", "calls", jnp.zeros, ())
        if self.is_mutable_collection("batch_stats") and not self.is_initializing():
            calls.value += 1
        return scale * x + calls.value


class Noisy(nn.Module):
    """Has neither parameters nor state, and draws noise."""

    @nn.compact
    def __call__(self, x, scale=1.0):
        return x + scale * jax.random.normal(self.make_rng("noise"), x.shape)


MODULES = {"generator": Counter(), "encoder": Counter(), "noisy": Noisy()}
PARAMS = {"generator": {"scale": 2.0}, "encoder": {"scale": 3.0}, "noisy": {}}
STATES = {"generator": {"batch_stats": {"calls": 0.0}}, "encoder": {"batch_stats": {"calls": 5.0}}}


def nets(train=True):
    return Nets(MODULES, PARAMS, STATES, train=train)


def test_each_training_call_sees_the_state_that_the_one_before_left():
    networks = nets()
    assert [float(networks.generator(10.0)) for _ in range(3)] == [21, 22, 23]
    assert networks.states["generator"]["batch_stats"]["calls"] == 3


def test_networks_advance_apart_and_what_was_given_stays():
    networks = nets()
    networks.generator(1.0)
    assert networks.states["encoder"] == STATES["encoder"]
    assert STATES["generator"]["batch_stats"]["calls"] == 0


def test_evaluation_mode_changes_nothing():
    networks = nets(train=False)
    assert float(networks.encoder(1.0)) == float(networks.encoder(1.0)) == 8
    assert networks.states == STATES


def test_no_gradient_reaches_the_parameters_of_a_constant_network_but_its_inputs():
    def loss(scale, x):
        networks = Nets(MODULES, PARAMS | {"encoder": {"scale": scale}}, STATES, train=True)
        return networks.constant("encoder")(x), networks.states

    (by_scale, by_input), states = jax.grad(loss, (0, 1), has_aux=True)(3.0, 10.0)
    assert (by_scale, by_input) == (0, 3)
    assert states["encoder"]["batch_stats"]["calls"] == 6


def test_from_outside_a_loss_is_pure():
    @jax.jit
    def twice(states):
        networks = Nets(MODULES, PARAMS, states, train=True)
        networks.generator(networks.generator(1.0))
        return networks.states

    assert twice(STATES)["generator"]["batch_stats"]["calls"] == 2
    assert twice(STATES)["generator"]["batch_stats"]["calls"] == 2


def test_options_and_random_keys_reach_the_network():
    rngs = {"noise": jax.random.key(0)}
    x = np.zeros(4, np.float32)
    noise = nets().noisy(x, rngs=rngs)
    np.testing.assert_allclose(nets().noisy(x, scale=2.0, rngs=rngs), 2 * noise)


def test_an_unknown_network_is_an_error_that_lists_the_networks():
    with pytest.raises(AttributeError, match="no network named 'critic'; there are generator, encoder"):
        nets().critic(1.0)


def initialised(seed=0, order=("generator", "encoder")):
    networks = InitializingNets(MODULES, jax.random.key(seed), {})
    for name in order:
        getattr(networks, name)(1.0)
    return networks


def test_initialising_leaves_the_initial_state_however_often_a_network_is_called():
    networks = initialised(order=("generator", "generator", "generator"))
    assert networks.states["generator"]["batch_stats"]["calls"] == 0
    assert set(networks.params) == {"generator"}


def test_each_network_has_parameters_of_its_own_whatever_the_order_of_calls():
    first, second = initialised().params, initialised(order=("encoder", "generator")).params
    assert first == second
    assert first["generator"]["scale"] != first["encoder"]["scale"]
    assert initialised(seed=1).params["generator"] != first["generator"]


def test_given_parameters_are_not_made_anew():
    networks = InitializingNets(MODULES, jax.random.key(0), {"generator": PARAMS["generator"]})
    networks.states["generator"] = STATES["generator"]
    assert float(networks.generator(10.0)) == 21
    assert networks.params["generator"] is PARAMS["generator"]

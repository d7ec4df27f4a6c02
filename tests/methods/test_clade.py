"""CLADE as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import pytest

from configs.clade import get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import InitializingNets, build
from jaxsyn.methods.clade import Clade

SIZE = 32


def config_with(**options):
    config = get_config()
    config.update_from_flattened_dict({"data.height": SIZE, "data.width": SIZE, "model.generator.width": 2, **options})
    return config


def test_the_config_names_the_method():
    assert isinstance(build(get_config()), Clade)


@pytest.mark.parametrize("preset", ["cityscapes", "ade20k", "ade20k_outdoor", "coco_stuff", "custom"])
def test_every_preset_makes_networks(preset):
    assert set(Clade(get_config(preset)).networks()) == {"generator", "discriminator"}


def test_the_batch_s_positions_reach_the_generator_where_the_config_uses_them():
    batch = {name: jnp.asarray(array) for name, array in blank_batch(config_with()).items()}
    batch["position"] += 0.5
    assert Clade(config_with()).layout(batch).position is batch["position"]
    assert Clade(config_with(**{"data.use_positions": False})).layout(batch).position is None


def test_a_batch_without_positions_is_an_error_that_says_what_makes_them():
    batch = blank_batch(config_with(**{"data.use_positions": False}))
    with pytest.raises(UserError, match=r"no position map.*jaxsyn\.data\.position_map"):
        Clade(config_with()).layout(batch)


def test_the_terms_are_spade_s_on_a_batch_of_the_config_s_shapes():
    config = config_with(**{"model.use_vae": True, "model.discriminator.num_scales": 1})
    method, found = Clade(config), []

    def loss(batch):
        nets = InitializingNets(method.networks(), jax.random.key(0), {})
        total, terms = method.generator_loss(nets, batch, jax.random.key(0))
        found.extend(terms)
        return total

    assert jax.eval_shape(loss, blank_batch(config)).shape == ()
    assert found == ["adversarial", "kl", "feature_matching"]

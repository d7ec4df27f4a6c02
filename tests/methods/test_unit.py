"""UNIT as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.unit import PRESETS, get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import Nets
from jaxsyn.methods.unit import Unit
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import normal

BATCH = {"source": normal(2, 8, 8, 3), "image": normal(2, 8, 8, 3, seed=1)}
RNG = jax.random.key(0)


class GivenNoise(Unit):
    """Its noise is the same number everywhere, one more at each draw."""

    def translations(self, *args):
        self.draws = 0
        return super().translations(*args)

    def generator_loss(self, *args):
        self.draws = 0
        return super().generator_loss(*args)

    def noise(self, mean, rng):
        self.draws += 1
        return jnp.full_like(mean, self.draws)


def method_with(kind=GivenNoise, **options):
    config = get_config()
    config.model.tied_blocks = 0
    config.batch_size = 2
    config.model.generator.update(width=1, num_blocks=1, num_downsamplings=1)
    config.model.discriminator.update(width=1, num_layers=1, num_scales=1)
    config.update_from_flattened_dict(options)
    return kind(config)


class AutoEncoder:
    """Stands for a domain's: the latent is the image less the domain's shift."""

    def __init__(self, shift):
        self.shift = shift

    def apply(self, variables, x, method, **options):
        return (x - self.shift if method == "encode" else x + self.shift), {}


class Discriminator:
    """Says the same of all images."""

    def apply(self, variables, image, **options):
        return [[jnp.full((2, 1), 0.5)]], {}


def nets():
    modules = {"generator_a": AutoEncoder(1.0), "generator_b": AutoEncoder(3.0)}
    modules |= dict.fromkeys(("discriminator_a", "discriminator_b"), Discriminator())
    return Nets(modules, {name: {} for name in modules}, {}, train=True)


def test_one_draw_serves_reconstruction_and_translation_and_the_cycle_draws_anew():
    loss, terms = method_with().generator_loss(nets(), BATCH, RNG)
    for domain, name, shift, draw, again in (("a", "source", 1, 1, 4), ("b", "image", 3, 2, 3)):
        mean = BATCH[name] - shift
        expected = {
            "reconstruction": draw,
            "kl": np.square(mean).mean(),
            "cycle": draw + again,
            "kl_cycle": np.square(mean + draw).mean(),
            "adversarial": 0.25,
        }
        for kind, value in expected.items():
            np.testing.assert_allclose(terms[f"{kind}_{domain}"], value, rtol=1e-5)
    weights = get_config().loss.weights
    np.testing.assert_allclose(loss, sum(weights[name[:-2]] * term for name, term in terms.items()), rtol=1e-5)


def test_training_translates_latents_with_noise():
    fake = method_with().translations(nets(), BATCH, RNG)
    np.testing.assert_allclose(fake["b"], BATCH["source"] - 1 + 1 + 3, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fake["a"], BATCH["image"] - 3 + 2 + 1, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("forward", BATCH["source"] + 2),
        ("backward", BATCH["image"] - 2),
        ("source", BATCH["source"]),
        ("image", BATCH["image"]),
        ("cycle", BATCH["source"]),
    ],
)
def test_means_are_decoded_in_the_domain_of_the_way(way, expected):
    made = method_with(Unit).generate(nets(), BATCH, RNG, way=way)
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


def test_noise_is_as_wide_as_it_is_asked_to_be():
    method = method_with(Unit)
    made = method.generate(nets(), BATCH, RNG, noise=jnp.asarray([0.0, 2.0]))
    difference = made - method.generate(nets(), BATCH, RNG)
    assert not difference[0].any()
    np.testing.assert_allclose(difference[1].std(), 2, rtol=0.2)


def test_an_unknown_way_is_an_error():
    with pytest.raises(UserError, match="way = 'sideways': choose one of forward, backward, source, image, cycle"):
        method_with().generate(nets(), BATCH, RNG, way="sideways")


def test_a_step_keeps_the_shapes_of_the_state():
    method = method_with(Unit)
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {"generator/kl_cycle_a", "discriminator/real_b"} <= set(terms)


def test_tied_blocks_work_in_both_domains_and_are_taken_from_their_own():
    method = method_with(Unit, **{"model.tied_blocks": 1, "model.generator.num_blocks": 3})
    state = initial_state(method, method.config, {}, blank_batch(method.config))
    for domain in "ab":
        coders = state.params[f"generator_{domain}"]
        assert (
            sum("block" in name for name in coders["encoder"])
            == sum("block" in name for name in coders["decoder"])
            == 2
        )
    for part in ("encoder_0", "decoder_0"):
        tied = {**state.params["tied"], part: jax.tree.map(lambda x: -x, state.params["tied"][part])}
        for way in ("source", "image"):
            before, after = (
                method.generate(Nets(method.networks(), params, state.states, train=False), BATCH, RNG, way=way)
                for params in (state.params, state.params | {"tied": tied})
            )
            assert np.abs(before - after).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model.tied_blocks": 2}, "model.tied_blocks = 2: it is 0 to model.generator.num_blocks = 1"),
        ({"model.tied_blocks": 1, "ema.networks": ("generator_a",)}, "add 'tied' to them"),
    ],
)
def test_tied_blocks_that_do_not_fit_are_an_error(options, message):
    with pytest.raises(UserError, match=message):
        method_with(Unit, **options).networks()


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_the_weights_and_sizes_of_the_authors_recipes(preset):
    config = get_config(preset)
    assert config.loss.weights.perceptual == (1 if preset.startswith("gta") else 0)
    assert (config.loss.weights.kl, config.loss.weights.cycle) == (0.01, 10)
    if preset != "scenes":
        assert config.data.height == config.data.load_size == (512 if preset.endswith("512") else 256)

"""INADE as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.inade import PRESETS, get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import InitializingNets, Nets, build
from jaxsyn.methods.inade import Inade, InstanceEncoder, Posterior
from tests.arrays import filled, integers, normal

SIZE, INSTANCES, CHANNELS, LATENT = 32, 6, 3, 4
INSTANCE = integers(0, INSTANCES - 1, 2, SIZE, SIZE)  # the last number is absent
BATCH = {"label": INSTANCE % 2, "instance": INSTANCE}


def method_with(**options):
    config = get_config()
    config.update_from_flattened_dict(
        {
            "data.height": SIZE,
            "data.width": SIZE,
            "data.max_instances": INSTANCES,
            "model.generator.width": 2,
            "model.noise_channels": CHANNELS,
            "model.latent_channels": LATENT,
            "model.discriminator.num_scales": 1,
            **options,
        }
    )
    return Inade(config)


class EchoGenerator(nn.Module):
    """Returns its noise, and its latent beside it."""

    def __call__(self, layout, latent):
        return layout.noise, latent


class NumberEncoder(nn.Module):
    """A posterior without spread around the instance's number and the image's brightness."""

    def __call__(self, image, instance):
        mean = jnp.arange(INSTANCES)[None, :, None, None] + image.mean((1, 2, 3))[:, None, None, None]
        mean = jnp.broadcast_to(mean, (len(image), INSTANCES, 2, CHANNELS))
        return Posterior(mean, jnp.full_like(mean, -100.0))


def generate(method, seed=0, **controls):
    modules = {"generator": EchoGenerator(), "encoder": NumberEncoder()}
    nets = Nets(modules, {name: {} for name in modules}, {}, train=False)
    run = jax.jit(lambda controls: method.generate(nets, BATCH, jax.random.key(seed), **controls))
    return [np.asarray(x) for x in run(controls)]


def test_every_preset_makes_the_networks_of_the_method():
    for preset in PRESETS:
        assert set(build(get_config(preset)).networks()) == {"generator", "encoder", "discriminator"}


def test_noise_and_latent_are_drawn_from_the_prior_by_the_key():
    noise, latent = generate(method_with())
    assert noise.shape == (2, INSTANCES, 2, CHANNELS)
    assert latent.shape == (2, LATENT)
    np.testing.assert_array_equal(noise, generate(method_with())[0])
    assert (np.abs(noise - generate(method_with(), seed=1)[0]) > 0).all()
    assert len(np.unique(noise)) == noise.size


def test_a_seed_draws_its_instance_anew_and_leaves_the_rest():
    seeds = np.zeros((2, INSTANCES), np.int32)
    seeds[1, 3] = 5
    (noise, latent), (again, same) = generate(method_with()), generate(method_with(), instance_seeds=seeds)
    np.testing.assert_array_equal((noise != again).any((2, 3)), seeds != 0)
    np.testing.assert_array_equal(latent, same)


def test_a_class_is_drawn_anew_by_all_of_its_instances():
    method = method_with()
    nets = Nets({"generator": EchoGenerator()}, {"generator": {}}, {}, train=False)
    batch = {"instance": INSTANCE, "label": np.where(INSTANCE == 2, 0, INSTANCE)}  # class 0: instances 0 and 2
    draw = jax.jit(lambda c, key: method.resample_class(nets, batch, jax.random.key(0), c, key))
    (first, latent), (second, same) = (draw(0, jax.random.key(seed)) for seed in (1, 2))
    changed = (np.asarray(first) != second).any((2, 3))
    np.testing.assert_array_equal(changed, np.isin(np.arange(INSTANCES), (0, 2)) & np.ones((2, 1), bool))
    np.testing.assert_array_equal(latent, same)
    np.testing.assert_array_equal(np.asarray(first)[~changed], generate(method)[0][~changed])


def test_given_noise_and_latent_reach_the_generator():
    noise, latent = normal(2, INSTANCES, 2, CHANNELS), normal(2, LATENT)
    given = generate(method_with(), noise=noise, latent=latent)
    np.testing.assert_array_equal(given[0], noise)
    np.testing.assert_array_equal(given[1], latent)


def test_a_style_image_gives_each_instance_the_style_of_its_number():
    image = np.full((2, SIZE, SIZE, 3), 0.25, np.float32)
    noise, _ = generate(method_with(), style_image=image)
    np.testing.assert_allclose(noise[:, :, 0, 0], np.tile(np.arange(INSTANCES) + 0.25, (2, 1)), atol=1e-6)


def test_an_instance_takes_the_style_of_another_number_or_keeps_its_noise():
    image = np.zeros((2, SIZE, SIZE, 3), np.float32)
    numbers = np.full((2, INSTANCES), -1)
    numbers[0, 1], numbers[1, 4] = 3, 0
    (plain, _), (styled, _) = generate(method_with()), generate(method_with(), style_image=image, style_from=numbers)
    np.testing.assert_allclose(styled[numbers < 0], plain[numbers < 0], atol=1e-6)
    np.testing.assert_allclose(styled[0, 1], 3, atol=1e-6)
    np.testing.assert_allclose(styled[1, 4], 0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "controls", "message"),
    [
        ({}, {"noise": normal(2, 1, 2, CHANNELS)}, r"noise has shape \(2, 1, 2, 3\); it should be \(2, 6, 2, 3\)"),
        ({}, {"latent": normal(2, 9)}, r"latent has shape \(2, 9\); it should be \(2, 4\)"),
        ({}, {"noise": normal(2, 6, 2, 3), "instance_seeds": np.zeros((2, 6))}, "noise and instance_seeds"),
        ({}, {"style_from": np.zeros((2, 6), int)}, "style_from need the style_image"),
        ({"model.use_vae": False}, {"style_image": normal(2, 32, 32, 3)}, r"train it with --config\.model\.use_vae"),
        ({"model.generator.sketch": True}, {}, r"no sketch .* in the batch.*: set data\.use_sketch=True"),
        ({"data.max_instances": None}, {}, r"data\.max_instances is not set"),
    ],
)
def test_controls_that_do_not_fit_are_errors(options, controls, message):
    with pytest.raises(UserError, match=message):
        generate(method_with(**options), **controls)


def test_the_encoder_needs_sides_of_multiples_of_16():
    method = method_with(**{"data.height": 40})
    with pytest.raises(UserError, match=r"40x32 must be multiples of 16.*--config\.model\.use_vae=False"):
        method.encoder()


def test_absent_instances_have_the_standard_normal_posterior():
    encoder = InstanceEncoder(INSTANCES, CHANNELS, width=2)
    image = normal(2, SIZE, SIZE, 3)
    variables = filled(jax.eval_shape(encoder.init, jax.random.key(0), image, INSTANCE))
    mean, log_variance = (np.asarray(x) for x in jax.jit(encoder.apply)(variables, image, INSTANCE))
    assert mean.shape == log_variance.shape == (2, INSTANCES, 2, CHANNELS)
    assert not mean[:, -1].any()
    assert not log_variance[:, -1].any()
    assert mean[:, :-1].any((2, 3)).all()


class CountingDiscriminator(nn.Module):
    """One scale of four features and a prediction, which are their own numbers; of real images, minus them."""

    def __call__(self, label, images):
        return [[[sign * jnp.full((1,), i, float) for i in range(5)]] for sign, _ in zip((1, -1), images, strict=True)]


@pytest.mark.parametrize("first", [0, 3, 4])
def test_features_are_matched_from_the_first_that_the_config_names(first):
    method = method_with(**{"loss.first_matched_feature": first})
    nets = Nets({"discriminator": CountingDiscriminator()}, {"discriminator": {}}, {}, train=False)
    on_fake, on_real = method.discriminate(nets, {**BATCH, "image": None}, None)
    assert [float(x[0]) for x in on_fake.features[0]] == list(range(first, 4))
    assert [float(x[0]) for x in on_real.features[0]] == [-i for i in range(first, 4)]
    assert float(on_fake.logits[0][0]) == 4


def test_the_generator_s_loss_runs_on_a_batch_of_the_config_s_shapes():
    method, found = method_with(), []

    def loss(batch):
        nets = InitializingNets(method.networks(), jax.random.key(0), {})
        total, terms = method.generator_loss(nets, batch, jax.random.key(0))
        found.extend(terms)
        return total

    assert jax.eval_shape(loss, blank_batch(method.config)).shape == ()
    assert found == ["adversarial", "kl", "feature_matching"]

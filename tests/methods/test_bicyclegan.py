"""BicycleGAN as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.bicyclegan import get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import Nets
from jaxsyn.methods.bicyclegan import BicycleGan, interpolate_spherically
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import normal

BATCH = {"source": normal(4, 8, 8, 3), "image": normal(4, 8, 8, 3, seed=1)}
CODES = normal(4, 3, seed=2)
ENCODED, OTHER = slice(0, None, 2), slice(1, None, 2)


def method_with(**options):
    config = get_config()
    config.batch_size = 4
    config.model.latent_size = 3
    config.model.generator.update(num_downs=5, width=1)
    config.model.encoder.update(width=1)
    config.model.discriminator.update(width=2, num_layers=1)
    config.update_from_flattened_dict(options)
    return BicycleGan(config)


class Tint:
    """Stands for a generator: adds the code to the colours."""

    def apply(self, variables, source, code, **options):
        return source + code[:, None, None], {}


class MeanColour:
    """Stands for an encoder: the mean colour, times its parameter, and no variance to speak of."""

    def apply(self, variables, image, **options):
        mean = variables["params"]["scale"] * image.mean((1, 2))
        return (mean, jnp.full_like(mean, -50.0)), {}


class Recorder:
    """Stands for a discriminator: keeps what it sees; on both its scales the logits are the mean of the channels."""

    def __init__(self):
        self.seen = []

    def apply(self, variables, x, **options):
        self.seen.append(np.asarray(x))
        return [[x.mean(-1, keepdims=True)]] * 2, {}


def nets_with(*judges, scale=1.0):
    modules = {"generator": Tint(), "encoder": MeanColour()}
    modules |= dict(zip(("discriminator", "random_discriminator"), judges, strict=False))
    params = {name: {} for name in modules} | {"encoder": {"scale": scale}}
    return Nets(modules, params, {}, train=True)


def run_phases(method, nets):
    return {phase.name: phase.loss(nets, BATCH, jax.random.key(0)) for phase in method.phases()}


def test_generator_and_encoder_learn_first_and_then_both_discriminators():
    generator, discriminator = method_with().phases()
    assert generator.trains == ("generator", "encoder")
    assert discriminator.trains == ("discriminator", "random_discriminator")


def test_one_cycle_makes_the_encoded_image_again_and_the_other_finds_the_drawn_code_again():
    nets = nets_with(Recorder(), Recorder())
    _, terms = run_phases(method_with(), nets)["generator"]
    source, image = (BATCH[name][ENCODED] for name in ("source", "image"))
    encoded = source + image.mean((1, 2))[:, None, None]
    np.testing.assert_allclose(nets.kept["encoded"], encoded, atol=1e-5)
    np.testing.assert_allclose(terms["l1"], np.abs(encoded - image).mean(), rtol=1e-5)
    drawn = (nets.kept["random"] - source)[:, 0, 0]
    found = np.asarray(nets.kept["random"]).mean((1, 2))
    np.testing.assert_allclose(terms["latent"], np.abs(found - drawn).mean(), rtol=1e-4)


def test_the_discriminator_of_random_styles_sees_other_real_images():
    judges = Recorder(), Recorder()
    nets = nets_with(*judges)
    run_phases(method_with(), nets)
    for judge, cycle, real in zip(judges, ("encoded", "random"), (ENCODED, OTHER), strict=True):
        for seen in judge.seen[:2]:
            np.testing.assert_array_equal(seen, nets.kept[cycle])
        np.testing.assert_array_equal(judge.seen[2], BATCH["image"][real])


def test_a_conditional_shared_discriminator_sees_sources_and_both_cycles():
    judge = Recorder()
    method = method_with(**{"model.conditional_discriminator": True, "model.shared_discriminator": True})
    assert method.phases()[1].trains == ("discriminator",)
    run_phases(method, nets_with(judge))
    assert len(judge.seen) == 6
    np.testing.assert_array_equal(judge.seen[-1][..., :3], BATCH["source"][OTHER])
    np.testing.assert_array_equal(judge.seen[-2][..., :3], BATCH["source"][ENCODED])


def test_adversarial_terms_are_sums_over_scales():
    nets = nets_with(Recorder(), Recorder())
    loss, terms = run_phases(method_with(), nets)["discriminator"]
    one_scale = np.square(np.asarray(nets.kept["encoded"]).mean(-1)).mean()
    np.testing.assert_allclose(terms["fake_encoded"], 2 * one_scale, rtol=1e-5)
    np.testing.assert_allclose(loss, sum(terms.values()), rtol=1e-6)


def test_the_latent_loss_does_not_train_the_encoder():
    weights = {f"loss.weights.{name}": 0.0 for name in ("adversarial_encoded", "adversarial_random", "l1", "kl")}

    def loss(scale, **options):
        return method_with(**options).generator_loss(nets_with(scale=scale), BATCH, jax.random.key(0))[0]

    assert loss(1.0, **weights) > 0
    assert jax.grad(loss)(1.0, **weights) == 0
    assert jax.grad(loss)(1.0, **{**weights, "loss.weights.l1": 1.0}) != 0


def test_a_cycle_without_weight_has_no_discriminator():
    method = method_with(**{"loss.weights.adversarial_random": 0.0})
    assert set(method.networks()) == {"generator", "encoder", "discriminator"}
    assert method.phases()[1].trains == ("discriminator",)


def test_an_odd_batch_is_an_error():
    batch = {name: images[:3] for name, images in BATCH.items()}
    with pytest.raises(UserError, match="3 images at once: BicycleGAN needs an even batch_size"):
        method_with().generator_loss(nets_with(Recorder(), Recorder()), batch, jax.random.key(0))


def styles(seed=0, **controls):
    """The codes that `generate` takes, under jit."""
    method, nets = method_with(), nets_with()
    run = jax.jit(lambda controls: method.generate(nets, BATCH, jax.random.key(seed), **controls))
    return np.asarray(run(controls) - BATCH["source"])[:, 0, 0]


def test_without_controls_every_image_draws_a_style_of_its_own():
    drawn = styles()
    assert len(np.unique(drawn.round(4))) == drawn.size
    assert (drawn != styles(seed=1)).all()


def test_styles_are_given_for_each_image_or_for_all_or_taken_from_images():
    np.testing.assert_allclose(styles(style=CODES), CODES, atol=1e-5)
    np.testing.assert_allclose(styles(style=CODES[0]), np.tile(CODES[0], (4, 1)), atol=1e-5)
    np.testing.assert_allclose(styles(style_image=BATCH["image"]), BATCH["image"].mean((1, 2)), atol=1e-5)


def test_interpolation_goes_from_the_other_style_to_the_style():
    made = styles(style=CODES, other_style=CODES[::-1], interpolation=np.array([0.0, 1.0, 0.0, 1.0]))
    np.testing.assert_allclose(made, [CODES[3], CODES[1], CODES[1], CODES[3]], atol=1e-5)


def test_between_styles_of_one_length_the_way_keeps_it_and_its_angle_grows_evenly():
    start, end = np.array([[3.0, 0.0]]), np.array([[0.0, 3.0]])
    np.testing.assert_allclose(interpolate_spherically(start, end, 1 / 3), [[3 * 0.75**0.5, 1.5]], rtol=1e-5)


@pytest.mark.parametrize("end", [2.0, -2.0])
def test_styles_in_one_line_are_interpolated_linearly(end):
    start = np.array([[1.0, 1.0]])
    np.testing.assert_allclose(
        interpolate_spherically(start, end * start, 0.25), (0.75 + 0.25 * end) * start, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"style": CODES, "style_image": BATCH["image"]}, "give one of them"),
        ({"other_style": CODES}, "other_style and interpolation go together"),
        ({"style": CODES[:2]}, r"style of shape \(2, 3\): expected \(4, 3\) or \(3,\)"),
        ({"other_style": CODES, "interpolation": np.zeros(3)}, r"interpolation of shape \(3,\): expected a number"),
    ],
)
def test_controls_that_do_not_fit_are_errors(controls, message):
    with pytest.raises(UserError, match=message):
        styles(**controls)


def test_a_grey_source_is_one_channel_of_luminance():
    method = method_with(**{"model.grey_source": True})
    grey = np.repeat(normal(1, 2, 2, 1), 3, axis=-1)
    np.testing.assert_allclose(method.source({"source": grey}), grey[..., :1], rtol=1e-5)
    assert method.source(BATCH).shape == (4, 8, 8, 1)


def test_a_step_trains_all_networks_also_in_slices_of_the_batch():
    method = method_with(**{"optimizer.accumulate": 2, "model.generator.dropout": True})
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {"generator/latent", "generator/kl", "discriminator/fake_random"} <= set(terms)


@pytest.mark.parametrize(
    ("preset", "images", "epochs"),
    [("facades", 400, 400), ("maps", 1096, 400), ("edges2shoes", 49824, 60), ("edges2handbags", 138566, 30)],
)
def test_the_papers_presets_run_the_scripts_epochs_in_batches_of_two(preset, images, epochs):
    config = get_config(preset)
    assert (config.batch_size, config.num_steps) == (2, images * epochs // 2)
    assert config.model.grey_source == preset.startswith("edges")

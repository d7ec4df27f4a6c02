"""pix2pix as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.pix2pix import get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.layers import BatchNorm, Dropout
from jaxsyn.methods import Nets
from jaxsyn.methods.pix2pix import Pix2pix
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import normal

BATCH = {"source": normal(4, 8, 8, 3), "image": normal(4, 8, 8, 3, seed=1)}


def method_with(**options):
    config = get_config()
    config.model.unet.update(num_downs=5, width=1)
    config.model.discriminator.update(width=1, num_layers=1)
    config.update_from_flattened_dict(options)
    return Pix2pix(config)


class NoisyNorm(nn.Module):
    """Stands for a generator: dropout and batch norm."""

    @nn.compact
    def __call__(self, x):
        return Dropout()(BatchNorm(name="norm")(x))


class Recorder:
    """Stands for a discriminator: keeps what it sees, and takes the mean of its channels for logits."""

    def __init__(self):
        self.seen = []

    def apply(self, variables, x, **options):
        self.seen.append(x)
        return [x.mean(-1, keepdims=True)], {}


def nets_with(judge=None):
    """In training mode where there is a judge."""
    states = {"generator": NoisyNorm().init(jax.random.key(0), BATCH["source"]), "discriminator": {"calls": {}}}
    modules = {"generator": NoisyNorm(), "discriminator": judge}
    return Nets(modules, {"generator": {}, "discriminator": {}}, states, train=judge is not None)


def run_phases(method, nets):
    return {phase.name: phase.loss(nets, BATCH, jax.random.key(i)) for i, phase in enumerate(method.phases())}


def test_the_discriminator_learns_first_and_the_generator_makes_the_same_image_again():
    judge, method = Recorder(), method_with()
    assert [phase.name for phase in method.phases()] == ["discriminator", "generator"]
    run_phases(method, nets_with(judge))
    judged_fake, judged_real, again = judge.seen
    np.testing.assert_array_equal(judged_fake, again)
    np.testing.assert_array_equal(judged_real, np.concatenate([BATCH["source"], BATCH["image"]], axis=-1))
    np.testing.assert_array_equal(judged_fake[..., :3], BATCH["source"])
    assert (judged_fake[..., 3:] == 0).mean() > 0.3


def test_an_image_counts_once_in_the_generators_running_statistics():
    nets = nets_with(Recorder())
    run_phases(method_with(), nets)
    assert nets.states["generator"]["batch_stats"]["norm"]["count"] == 1


def test_the_discriminators_loss_is_halved_and_the_generators_weighs_l1_by_100():
    found = run_phases(method_with(), nets_with(Recorder()))
    loss, terms = found["discriminator"]
    np.testing.assert_allclose(loss, (terms["real"] + terms["fake"]) / 2, rtol=1e-6)
    loss, terms = found["generator"]
    np.testing.assert_allclose(loss, terms["adversarial"] + 100 * terms["l1"], rtol=1e-6)


def generate(method, seed=0, source=BATCH["source"], **controls):
    nets = nets_with()
    run = jax.jit(lambda source: method.generate(nets, {"source": source}, jax.random.key(seed), **controls))
    return np.asarray(run(source))


def test_dropout_is_the_noise_of_testing_too_unless_it_is_turned_off():
    method = method_with()
    assert (generate(method) != generate(method, seed=1)).any()
    np.testing.assert_array_equal(generate(method), generate(method))
    np.testing.assert_array_equal(generate(method, dropout=False), generate(method, seed=1, dropout=False))
    off = method_with(**{"model.test_dropout": False})
    np.testing.assert_array_equal(generate(off), generate(method, dropout=False))


def test_an_image_is_normalised_by_itself_or_by_the_running_statistics():
    images = generate(method_with(), dropout=False, statistics="image")
    np.testing.assert_allclose(images.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(images.std((1, 2)), 1, atol=1e-3)
    alone = generate(method_with(), dropout=False, statistics="image", source=BATCH["source"][1:2])
    np.testing.assert_allclose(images[1:2], alone, atol=1e-5)
    # The running statistics are those of an untrained network: mean 0, variance 1.
    images = generate(method_with(), dropout=False, statistics="running")
    np.testing.assert_allclose(images, BATCH["source"], atol=1e-4)


def test_scores_say_how_images_were_tested():
    assert method_with().protocol() == {"dropout": True, "statistics": "running"}
    assert Pix2pix(get_config("facades")).protocol() == {"dropout": True, "statistics": "image"}
    assert method_with(**{"model.unet.dropout": False}).protocol()["dropout"] is False


def test_two_images_of_a_batch_draw_dropout_of_their_own():
    same = np.stack([BATCH["source"][0]] * 2)
    first, second = generate(method_with(), source=same, statistics="image")
    assert (first != second).any()


@pytest.mark.parametrize(
    ("options", "controls", "message"),
    [
        ({}, {"statistics": "batch"}, "statistics = 'batch': choose one of image, running"),
        ({"model.unet.dropout": False}, {"dropout": True}, r"--config\.model\.unet\.dropout=True"),
    ],
)
def test_a_control_that_the_model_does_not_have_is_an_error(options, controls, message):
    with pytest.raises(UserError, match=message):
        generate(method_with(**options), **controls)


def test_an_unknown_architecture_is_an_error():
    with pytest.raises(UserError, match="'spade' is not known; choose unet or resnet"):
        method_with(**{"model.architecture": "spade"}).networks()


@pytest.mark.parametrize("architecture", ["unet", "resnet"])
def test_a_step_trains_both_networks_also_in_slices_of_the_batch(architecture):
    method = method_with(**{"model.architecture": architecture, "optimizer.accumulate": 2})
    method.config.model.resnet.update(width=1, num_blocks=1)
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {name for name in terms if "total" in name} == {"discriminator/total", "generator/total"}


def test_zero_layers_judge_pixels():
    method = method_with(**{"model.discriminator.num_layers": 0})
    logits, _ = jax.eval_shape(
        method.networks()["discriminator"].init_with_output, jax.random.key(0), jnp.zeros((1, 8, 8, 6))
    )
    assert logits[-1].shape == (1, 8, 8, 1)


@pytest.mark.parametrize(
    ("preset", "images", "epochs", "batch_size"),
    [("facades", 400, 200, 1), ("cityscapes", 2975, 200, 1), ("maps", 1096, 200, 1), ("night2day", 17823, 17, 4)],
)
def test_the_papers_presets_run_the_papers_epochs(preset, images, epochs, batch_size):
    config = get_config(preset)
    assert config.batch_size == batch_size
    assert config.num_steps == images * epochs // batch_size
    assert config.data.load_size == 286
    assert config.loss.weights.l1 == 100

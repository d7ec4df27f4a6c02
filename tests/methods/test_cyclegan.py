"""CycleGAN as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.cyclegan import IMAGES, get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.layers import ImagePool
from jaxsyn.methods import Nets
from jaxsyn.methods.cyclegan import CycleGan
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import filled, normal

NO_POOL = ImagePool(0)
BATCH = {"source": normal(2, 8, 8, 3), "image": normal(2, 8, 8, 3, seed=1)}


def method_with(**options):
    config = get_config()
    config.batch_size = 2
    config.model.architecture = "resnet"
    config.model.resnet.update(num_blocks=1, width=1)
    config.model.discriminator.update(width=1, num_layers=1)
    config.update_from_flattened_dict(options)
    return CycleGan(config)


class Add:
    """Stands for a generator: adds a number."""

    def __init__(self, number):
        self.number = number

    def apply(self, variables, x, **options):
        return x + self.number


class Recorder:
    """Stands for a discriminator: keeps what it sees, and takes the mean of its channels for logits."""

    def __init__(self):
        self.seen = []

    def apply(self, variables, x, **options):
        self.seen.append(np.asarray(x))
        return [x.mean(-1, keepdims=True)]


class Evaluated:
    """A module that has no state, as `Nets` calls it."""

    def __init__(self, module):
        self.module = module

    def apply(self, *args, **options):
        return self.module.apply(*args, **options), {}


def nets_with(pool=NO_POOL, judge=None, source_judge=None):
    """A generator that adds 1 and a reverse one that adds 3."""
    modules = {
        "generator": Evaluated(Add(1.0)),
        "reverse_generator": Evaluated(Add(3.0)),
        "discriminator": Evaluated(judge or Recorder()),
        "source_discriminator": Evaluated(source_judge or Recorder()),
        "pool": pool,
        "source_pool": pool,
    }
    draws = np.zeros(2, np.float32), np.zeros(2, np.int32)
    states = {name: dict(pool.init({}, BATCH["image"], *draws)) for name in ("pool", "source_pool")}
    return Nets(modules, {name: {} for name in modules}, states, train=True)


def run_phases(method, nets, batch=BATCH):
    return {phase.name: phase.loss(nets, batch, jax.random.key(0)) for phase in method.phases()}


def test_both_generators_learn_first_and_then_both_discriminators():
    generator, discriminator = method_with().phases()
    assert generator.trains == ("generator", "reverse_generator")
    assert discriminator.trains == ("discriminator", "source_discriminator")


def test_cycles_and_identities_are_compared_in_their_domains_and_weighed_by_them():
    weights = {"cycle_source": 7.0, "cycle_image": 9.0, "identity": 0.5}
    method = method_with(**{f"loss.weights.{name}": weight for name, weight in weights.items()})
    loss, terms = run_phases(method, nets_with())["generator"]
    expected = {"cycle_source": 4.0, "cycle_image": 4.0, "identity_image": 1.0, "identity_source": 3.0}
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-5)
    adversarial = terms["adversarial_image"] + terms["adversarial_source"]
    np.testing.assert_allclose(loss, adversarial + 7 * 4 + 9 * 4 + 0.5 * 9 * 1 + 0.5 * 7 * 3, rtol=1e-5)


def test_without_its_weight_there_is_no_identity_term():
    _, terms = run_phases(method_with(**{"loss.weights.identity": 0.0}), nets_with())["generator"]
    assert set(terms) == {"adversarial_image", "adversarial_source", "cycle_source", "cycle_image"}


def test_each_discriminator_judges_its_domain():
    judge, source_judge = Recorder(), Recorder()
    found = run_phases(method_with(**{"model.pool_size": 0}), nets_with(judge=judge, source_judge=source_judge))
    _, real, fake = judge.seen
    np.testing.assert_array_equal(real, BATCH["image"])
    np.testing.assert_array_equal(fake, BATCH["source"] + 1)
    _, real, fake = source_judge.seen
    np.testing.assert_array_equal(real, BATCH["source"])
    np.testing.assert_array_equal(fake, BATCH["image"] + 3)
    loss, terms = found["discriminator"]
    np.testing.assert_allclose(loss, sum(terms.values()) / 2, rtol=1e-6)


def test_discriminators_learn_from_the_pools_that_earlier_steps_filled():
    judge, method = Recorder(), method_with(**{"model.pool_size": 2})
    nets = nets_with(ImagePool(2), judge)
    run_phases(method, nets)
    method.pool_draws = lambda rng, images: (jnp.ones(len(images)), jnp.arange(len(images)))
    later = {name: images + 100 for name, images in BATCH.items()}
    run_phases(method, nets, later)
    np.testing.assert_array_equal(judge.seen[-1], BATCH["source"] + 1)
    np.testing.assert_array_equal(nets.states["pool"]["pool"]["images"], later["source"] + 1)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("forward", BATCH["source"] + 1),
        ("backward", BATCH["image"] + 3),
        ("cycle", BATCH["source"] + 1 + 3),
    ],
)
def test_batches_are_translated_forward_backward_and_there_and_back(way, expected):
    np.testing.assert_allclose(method_with().generate(nets_with(), BATCH, jax.random.key(0), way=way), expected)


def test_an_unknown_way_is_an_error():
    with pytest.raises(UserError, match="way = 'sideways': choose one of forward, backward, cycle"):
        method_with().generate(nets_with(), BATCH, jax.random.key(0), way="sideways")


def test_a_step_keeps_the_shapes_of_the_state_also_in_slices_of_the_batch():
    method = method_with(**{"optimizer.accumulate": 2, "model.resnet.dropout": True, "model.pool_size": 5})
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert state.states["pool"]["pool"]["images"].shape == (5, 64, 64, 3)
    assert {"generator/cycle_source", "discriminator/fake_source"} <= set(terms)


def test_running_statistics_of_old_checkpoints_are_dropped_where_the_norm_keeps_none():
    method = method_with()
    rules, unused = method.checkpoint_names()["discriminator"], method.unused_entries()["discriminator"]
    network = method.networks()["discriminator"]
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), BATCH["image"]))
    state = to_state_dict(variables, rules) | {"model.3.running_mean": np.zeros(2), "model.3.running_var": np.ones(2)}
    with pytest.raises(UserError, match=r"2 unexpected \(model\.3\.running_mean"):
        from_state_dict(state, variables, rules)
    restored = from_state_dict(state, variables, rules, unused=unused)
    jax.tree.map(np.testing.assert_array_equal, restored, variables)
    assert not method_with(**{"model.resnet.norm": "batch", "model.discriminator.norm": "batch"}).unused_entries()


@pytest.mark.parametrize("preset", IMAGES)
def test_a_published_set_runs_200_epochs_of_its_larger_domain(preset):
    config = get_config(preset)
    assert config.num_steps == 200 * max(IMAGES[preset])
    assert config.data.tfds_name == f"cycle_gan/{preset}"
    assert (config.data.name, config.data.pairing) == ("two_folders", "unpaired")


def test_cityscapes_at_128_pixels_has_six_blocks():
    assert get_config("cityscapes").model.resnet.num_blocks == 6
    assert get_config("horse2zebra").model.resnet.num_blocks == 9

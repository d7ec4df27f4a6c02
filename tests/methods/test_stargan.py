"""StarGAN as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.stargan import get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import Nets
from jaxsyn.methods.stargan import StarGan
from jaxsyn.networks.stargan_discriminator import Judged
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import normal

HAIR = ("Black_Hair", "Male", "Blond_Hair")
ATTRIBUTES = np.asarray([[1, 0, 0], [0, 1, 0], [0, 1, 1]], np.int32)
BATCH = {
    "source": normal(3, 8, 8, 3),
    "image": normal(3, 8, 8, 3),
    "source_attributes": ATTRIBUTES,
    "attributes": 1 - ATTRIBUTES,
    "domain_image": normal(3, 8, 8, 3, seed=1),
    "domain": np.asarray([1, 0, 1], np.int32),
    "source_domain": np.asarray([0, 1, 1], np.int32),
}


def method_with(attributes=(), domains=(), **options):
    config = get_config()
    config.batch_size = 4
    config.data.height = config.data.width = 8
    config.data.attributes, config.data.domains = attributes, domains
    config.model.generator.update(width=2, num_downsamplings=2, num_blocks=1)
    config.model.discriminator.update(width=2, num_layers=2)
    config.update_from_flattened_dict(options)
    return StarGan(config)


class Painter:
    """Stands for the generator: keeps the labels that it is told."""

    def __init__(self):
        self.told = []

    def apply(self, variables, image, label, **options):
        self.told.append(label)
        return image, {}


class Critic:
    """Stands for the discriminator."""

    def __init__(self, num_labels):
        self.num_labels = num_labels

    def apply(self, variables, image, **options):
        means = image.mean((1, 2, 3))
        return Judged(means[:, None, None, None], means[:, None] * jnp.arange(1.0, 1 + self.num_labels)), {}


def nets_of(method):
    painter = Painter()
    modules = {"generator": painter, "discriminator": Critic(method.num_labels)}
    return painter, Nets(modules, {"generator": {}, "discriminator": {}}, {}, train=True)


def told(method, **controls):
    """The label vectors of a translation."""
    painter, nets = nets_of(method)
    method.generate(nets, BATCH, jax.random.key(0), **controls)
    return np.asarray(painter.told[0])


def test_the_generator_learns_in_the_last_of_every_few_steps():
    critic, generator = method_with(domains=("a", "b"), **{"loss.num_critic": 3}).phases()
    assert [critic.is_due(step) for step in range(6)] == [True] * 6
    assert [generator.is_due(step) for step in range(6)] == [False, False, True, False, False, True]


def test_joint_training_updates_both_networks_for_one_set_and_then_for_the_other():
    phases = method_with(HAIR, ("a", "b")).phases()
    names = ["attributes_discriminator", "attributes_generator", "domains_discriminator", "domains_generator"]
    assert [phase.name for phase in phases] == names
    assert [phase.trains for phase in phases] == 2 * [("discriminator",), ("generator",)]


def test_of_two_sets_the_unknown_labels_are_zero_and_the_mask_says_which_count():
    method = method_with(HAIR, ("a", "b"))
    np.testing.assert_array_equal(told(method)[1], [1, 0, 1, 0, 0, 1, 0])
    np.testing.assert_array_equal(told(method, domain="b")[1], [0, 0, 0, 0, 1, 0, 1])


def test_targets_are_the_batchs_labels_in_another_order_and_the_way_back_is_to_its_own():
    method = method_with(HAIR)

    @jax.jit
    def run(rng):
        painter, nets = nets_of(method)
        for phase in method.phases():
            phase.loss(nets, BATCH, rng)
        return tuple(painter.told)

    of_critic, forth, back = map(np.asarray, run(jax.random.key(3)))
    assert sorted(map(tuple, of_critic)) == sorted(map(tuple, ATTRIBUTES))
    np.testing.assert_array_equal(forth, of_critic)
    np.testing.assert_array_equal(back, ATTRIBUTES)


def test_a_set_is_classified_by_its_own_logits():
    method = method_with(HAIR, ("a", "b"))
    logits, (of_attributes, of_domains) = normal(3, 5), method.label_sets()
    changed = logits.copy()
    changed[:, 3:] += 1
    changed[:, 4] += 1
    same = method.classification(of_attributes, logits, ATTRIBUTES)
    assert method.classification(of_attributes, changed, ATTRIBUTES) == same
    domain = BATCH["domain"]
    assert method.classification(of_domains, changed, domain) != method.classification(of_domains, logits, domain)


def test_a_hair_colour_takes_the_others_away_and_other_attributes_turn_round():
    method = method_with(HAIR)
    np.testing.assert_array_equal(told(method, change=("Blond_Hair",)), [[0, 0, 1], [0, 1, 1], [0, 1, 1]])
    np.testing.assert_array_equal(told(method, change=("Male",)), [[1, 1, 0], [0, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(told(method, change=("Blond_Hair", "Male")), [[0, 1, 1], [0, 0, 1], [0, 0, 1]])


def test_the_table_of_translations_has_every_attribute_and_domain():
    method = method_with(HAIR, ("a", "b"))
    table = method.translations()
    assert list(table) == [*HAIR, "a", "b"]
    np.testing.assert_array_equal(told(method, **table["b"]), told(method, domain=1))
    np.testing.assert_array_equal(told(method, **table["Male"]), told(method, change=("Male",)))


def test_targets_are_the_batchs_or_one_for_all_or_one_for_each():
    method = method_with(domains=("a", "b"))
    np.testing.assert_array_equal(told(method).argmax(1), BATCH["domain"])
    np.testing.assert_array_equal(told(method, domain=0).argmax(1), [0, 0, 0])
    np.testing.assert_array_equal(told(method, domain=np.array([0, 1, 1])).argmax(1), [0, 1, 1])
    np.testing.assert_array_equal(told(method_with(HAIR), attributes=[1, 1, 0]), 3 * [[1, 1, 0]])


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"domain": 0, "change": ("Male",)}, "domain and change each say what the target is: give one of them"),
        ({"domain": "c"}, "domain = 'c': choose one of a, b, or its number from 0"),
        ({"domain": 2}, "domain = 2: choose one of a, b"),
        ({"domain": np.zeros(2, int)}, r"domain has shape \(2,\); it should be \(\), for all images, or \(3,\)"),
        ({"attributes": [1, 0]}, r"attributes has shape \(2,\); it should be \(3,\), for all images, or \(3, 3\)"),
        ({"change": ("Bald",)}, "'Bald' is no attribute of this model; choose from Black_Hair, Male, Blond_Hair"),
    ],
)
def test_controls_that_do_not_fit_are_errors(controls, message):
    with pytest.raises(UserError, match=message):
        told(method_with(HAIR, ("a", "b")), **controls)


def test_labels_that_the_model_does_not_know_are_an_error():
    with pytest.raises(UserError, match=r"domain: this model knows no domains, train it with data\.domains"):
        told(method_with(HAIR), domain=0)
    with pytest.raises(UserError, match=r"change: this model knows no attributes, train it with data\.attributes"):
        told(method_with(domains=("a", "b")), change=("Male",))
    with pytest.raises(UserError, match=r"set data\.attributes, data\.domains, or both"):
        method_with().networks()


def test_images_that_the_networks_cannot_take_are_an_error():
    networks = method_with(domains=("a", "b")).networks()
    with pytest.raises(UserError, match="images of 6x8: this generator needs multiples of 4"):
        jax.eval_shape(networks["generator"].init, jax.random.key(0), np.zeros((1, 6, 8, 3)), np.zeros((1, 2)))
    for size in ((8, 12), (2, 2)):
        with pytest.raises(UserError, match="needs square ones of at least 4 pixels"):
            jax.eval_shape(networks["discriminator"].init, jax.random.key(0), np.zeros((1, *size, 3)))


def test_fewer_down_samplings_leave_larger_features_to_the_blocks():
    method = method_with(domains=("a", "b"), **{"model.generator.num_downsamplings": 1})
    network, inputs = method.networks()["generator"], (np.zeros((1, 6, 8, 3)), np.zeros((1, 2)))
    made, variables = jax.eval_shape(network.init_with_output, jax.random.key(0), *inputs)
    assert made.shape == (1, 6, 8, 3)
    assert variables["params"]["block_0"]["conv_0"]["kernel"].shape[-1] == 2 * method.config.model.generator.width


def test_a_step_keeps_the_shapes_of_the_state_also_in_slices_of_the_batch():
    method = method_with(HAIR, ("a", "b"), **{"optimizer.accumulate": 2, "remat": True, "data.name": "celeba"})
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert sum(name.endswith("/gradient_penalty") for name in terms) == len(method.label_sets())


@pytest.mark.parametrize(
    ("preset", "told", "judged", "size"), [("celeba", 5, 5, 128), ("rafd", 8, 8, 128), ("both", 15, 13, 256)]
)
def test_presets_have_the_papers_labels_and_sizes(preset, told, judged, size):
    method = StarGan(get_config(preset))
    batch = {name: jnp.zeros(array.shape, array.dtype) for name, array in blank_batch(method.config).items()}
    assert batch["source"].shape == (16, size, size, 3)
    first = method.label_sets()[0]
    assert method.label_vector(first, batch[first.label_key]).shape == (16, told)
    assert method.num_labels == judged

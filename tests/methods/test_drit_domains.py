"""DRIT for several domains as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.drit_domains import get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import Nets
from jaxsyn.methods.drit_domains import DritDomains
from jaxsyn.networks.drit_domain_discriminator import DomainJudgement
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import normal
from tests.methods.test_drit import Fake

KEY, DIM, DOMAINS = jax.random.key(0), 3, 4
BATCH = {
    "source": normal(2, 4, 4, 3),
    "image": normal(2, 4, 4, 3, seed=1),
    "source_domain": np.array([0, 1], np.int32),
    "domain": np.array([2, 3], np.int32),
}


def method_with(**options):
    config = get_config()
    config.batch_size = 2
    config.model.width = config.model.discriminator.width = 1
    config.model.attribute_dim = DIM
    config.update_from_flattened_dict(options)
    return DritDomains(config)


def without_noise(method):
    """Draws are 0, but for the attributes, 1."""
    method.draw = lambda rng, name, shape: jnp.full(shape, float(name == "random"))
    return method


def nets_with():
    """Content codes are the images; an image is its content, plus the attribute's mean, plus 10 times its domain."""

    def attribute(image, branch, domain):
        mean = jnp.broadcast_to(image.mean((1, 2, 3))[:, None], (len(image), DIM))
        return mean, jnp.zeros_like(mean)

    def make(content, attribute, branch, domain):
        return (content + (attribute.mean(-1) + 10 * domain.argmax(-1))[:, None, None, None],)

    def judge(image):
        return DomainJudgement(image.mean(-1, keepdims=True), jnp.zeros((len(image), DOMAINS)))

    modules = {
        "content_encoder": Fake(lambda image, branch: image),
        "attribute_encoder": Fake(attribute),
        "generator": Fake(make),
        "discriminator": Fake(judge),
        "random_discriminator": Fake(judge),
        "content_discriminator": Fake(lambda content: [jnp.zeros((len(content), 1, 1, DOMAINS))]),
    }
    return Nets(modules, {name: {} for name in modules}, {}, train=True)


def test_sources_and_images_swap_their_attributes_and_keep_their_domains():
    nets = nets_with()
    without_noise(method_with()).discriminator_loss(nets, BATCH, KEY)
    (fake,), (real,) = nets.modules["discriminator"].seen
    means = {name: BATCH[name].mean((1, 2, 3)) for name in ("source", "image")}
    np.testing.assert_array_equal(real[0::2], BATCH["source"])
    np.testing.assert_allclose(fake[0], BATCH["image"][0] + means["source"][0], atol=1e-5)
    np.testing.assert_allclose(fake[1], BATCH["source"][0] + means["image"][0] + 20, atol=1e-5)
    (random,), _ = nets.modules["random_discriminator"].seen
    np.testing.assert_allclose(random[2], BATCH["image"][1] + 1 + 10, atol=1e-5)


def test_adversarial_terms_are_sums_over_the_images():
    method = without_noise(method_with())

    def term(batch):
        nets = nets_with()
        nets.kept["rng"] = KEY
        return method.random_loss(nets, batch, KEY)[1]["adversarial"]

    twice = {name: np.concatenate([array, array]) for name, array in BATCH.items()}
    np.testing.assert_allclose(term(twice), 2 * term(BATCH), rtol=1e-5)


def test_the_content_discriminator_learns_alone_in_two_of_three_steps():
    method = method_with(**{"loss.content_iterations": 3})
    due = {phase.name: [phase.is_due(step) for step in range(3)] for phase in method.phases()}
    assert due.pop("content_discriminator") == [True, True, False]
    assert set(map(tuple, due.values())) == {(False, False, True)}


def test_without_weight_there_is_no_content_discriminator_and_every_step_updates_all():
    method = method_with(**{"loss.weights.content_adversarial": 0.0})
    assert "content_discriminator" not in method.networks()
    assert {phase.name: phase.every for phase in method.phases()} == {
        "discriminator": 1,
        "reconstruction": 1,
        "random": 1,
    }


@pytest.mark.parametrize(
    ("domain", "numbers"), [(None, [2, 3]), (1, [1, 1]), ("winter", [3, 3]), (np.array([0, 2]), [0, 2])]
)
def test_the_target_is_the_batchs_a_number_a_name_or_one_for_each_image(domain, numbers):
    style = np.zeros((1, DIM), np.float32)
    made = method_with().generate(nets_with(), BATCH, KEY, domain=domain, style=style)
    np.testing.assert_allclose(made - BATCH["source"], 10 * np.array(numbers)[:, None, None, None] * np.ones_like(made))


def test_a_reference_gives_its_style():
    method = without_noise(method_with())
    made = method.generate(nets_with(), BATCH, KEY, domain=0, style_image=BATCH["image"])
    np.testing.assert_allclose(made, BATCH["source"] + BATCH["image"].mean((1, 2, 3), keepdims=True), atol=1e-5)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ("dawn", "domain = 'dawn': choose one of day"),
        (4, "domain = 4: choose one of day"),
        (np.zeros(3), r"shape \(3,\)"),
    ],
)
def test_a_domain_that_does_not_exist_is_an_error(domain, message):
    with pytest.raises(UserError, match=message):
        method_with().generate(nets_with(), BATCH, KEY, domain=domain)


def test_without_domains_the_data_has_no_targets():
    with pytest.raises(UserError, match=r"data\.domains is not set"):
        DritDomains(get_config("custom")).networks()


@pytest.mark.parametrize("concat", [True, False])
def test_a_step_keeps_the_shapes_of_the_state(concat):
    method = method_with(**{"model.concat": concat})
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {"content_discriminator/domain", "discriminator/swapped_classification", "random/latent"} <= set(terms)

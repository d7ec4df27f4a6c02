"""StarGAN v2 as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.stargan_v2 import get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import Nets
from jaxsyn.methods.stargan_v2 import StarGanV2
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import normal

BATCH = {
    "source": normal(2, 32, 32, 3),
    "image": normal(2, 32, 32, 3, seed=1),
    "source_domain": np.array([0, 1], np.int32),
    "domain": np.array([2, 1], np.int32),
}


def method_with(**options):
    config = get_config()
    config.batch_size = 2
    config.data.height = config.data.width = 32
    config.data.domains = ("a", "b", "c")
    config.model.update(width=2, max_width=4, bottleneck=16, style_dim=3, latent_dim=5, hidden=6)
    config.update_from_flattened_dict(options)
    return StarGanV2(config)


class Network:
    """Stands for a network: a function of its inputs."""

    def __init__(self, function):
        self.function = function

    def apply(self, variables, *inputs, **options):
        return self.function(*inputs), {}


def nets_with(**functions):
    """Styles that say where they come from, and a generator that shows them: 10 * first channel + the style's sum.

    The code of a latent or of an image is its first number, in domain n plus 100 n.
    """

    def in_domains(codes):
        return codes[:, None, None] + 100 * jnp.arange(3)[:, None] * jnp.ones(3)

    known = {
        "generator": lambda image, style, masks=None: 10 * image + style.sum(-1)[:, None, None, None],
        "mapping_network": lambda latent: in_domains(latent[:, 0]),
        "style_encoder": lambda image: in_domains(image[:, 0, 0, 0]),
        "discriminator": lambda image: image.mean((1, 2, 3))[:, None] * jnp.arange(3.0),
    }
    modules = {name: Network(function) for name, function in (known | functions).items()}
    return Nets(modules, {name: {} for name in modules}, {}, train=True, step=300)


def generated(**controls):
    """The style's first number by images of the source, for a generator that shows it."""
    images = method_with().generate(nets_with(), BATCH, jax.random.key(0), **controls)
    return np.asarray((images - 10 * BATCH["source"])[:, 0, 0, 0]) / 3


def test_the_discriminator_learns_twice_and_the_encoders_in_the_third_update_alone():
    trained = [phase.trains for phase in method_with().phases()]
    assert trained == [
        ("discriminator",),
        ("discriminator",),
        ("generator", "mapping_network", "style_encoder"),
        ("generator",),
    ]


def test_a_step_keeps_the_shapes_of_the_state():
    method = method_with()
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {"discriminator_reference/r1", "generator_latent/diversity", "generator_reference/cycle"} <= set(terms)
    assert set(state.ema) == {"generator", "mapping_network", "style_encoder"}


def test_the_diversity_weight_falls_to_zero_and_stays_there():
    method = method_with(**{"loss.weights.diversity": 2.0, "loss.diversity_steps": 400})
    np.testing.assert_allclose([method.diversity_weight(step) for step in (0, 100, 400, 500)], [2, 1.5, 0, 0])


def test_the_second_image_of_the_diversity_term_is_a_constant_and_the_term_is_maximised():
    method = method_with(**{"loss.weights.diversity": 2.0, "loss.diversity_steps": 400})

    def loss(style, second):
        return method.generator_loss(nets_with(), BATCH, style, second)[0]

    styles = jnp.ones((2, 3)), 5 * jnp.ones((2, 3))
    (_, terms) = method.generator_loss(nets_with(), BATCH, *styles)
    np.testing.assert_allclose(terms["diversity"], 12, rtol=1e-5)
    to_first, to_second = jax.grad(loss, argnums=(0, 1))(*styles)
    assert not to_second.any()
    assert to_first.any()


def test_styles_are_those_of_latents_of_references_or_given():
    latent = normal(2, 5, seed=3)
    np.testing.assert_allclose(generated(latent=latent), latent[:, 0] + 100 * BATCH["domain"], rtol=1e-4)
    np.testing.assert_allclose(generated(latent=latent, domain=0), latent[:, 0], rtol=1e-4, atol=1e-4)
    reference = normal(2, 32, 32, 3, seed=4)
    domain = np.array([1, 2])
    expected = reference[:, 0, 0, 0] + 100 * domain
    np.testing.assert_allclose(generated(reference=reference, domain=domain), expected, rtol=1e-4)
    np.testing.assert_allclose(generated(style=np.full((2, 3), 7.0)), 7, rtol=1e-4)


def test_styles_are_mixed_by_an_amount_of_each_image():
    given = {"style": np.zeros((2, 3)), "second_style": np.full((2, 3), 8.0)}
    np.testing.assert_allclose(generated(**given, amount=np.array([0.25, 1.0])), [2, 8], rtol=1e-4)


def test_truncation_goes_towards_the_mean_style_of_the_domain():
    latent = np.full((2, 5), 10.0, np.float32)
    np.testing.assert_allclose(generated(latent=latent, domain=1, truncation=0.5), 105, atol=0.1)


def test_evaluation_takes_latents_or_the_references_of_the_batch():
    batch = BATCH | {"image": np.full((2, 32, 32, 3), 0.5, np.float32)}
    method = method_with(**{"eval.guide": "reference"})
    images = method.generate(nets_with(), batch, jax.random.key(0))
    np.testing.assert_allclose((images - 10 * batch["source"])[:, 0, 0, 0] / 3, [200.5, 100.5], rtol=1e-4)
    assert method.protocol() == {"guide": "reference"}


def test_masks_come_from_the_face_alignment_network_or_are_given():
    method = method_with(**{"model.high_pass": 1.0})
    seen = []
    nets = nets_with(
        generator=lambda image, style, masks: seen.append(masks) or image,
        face_alignment=lambda image: jnp.zeros((2, 64, 64, 98)),
    )
    given = jnp.ones((2, 8, 8, 2))
    jax.eval_shape(lambda: method.generate(nets, BATCH, jax.random.key(0)))
    method.generate(nets, BATCH, jax.random.key(0), masks=given)
    assert seen[0].shape == (2, 256, 256, 2)
    assert seen[1] is given
    assert method.frozen()["face_alignment"].generates


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"latent": normal(2, 5), "style": normal(2, 3)}, "latent and style all say what style to take"),
        ({"amount": 0.5}, "second_style and amount go together"),
        ({"domain": 3}, "domain = 3: choose one of a, b, c, or its number"),
        ({"latent": normal(2, 4)}, r"latent has shape \(2, 4\): give \(2, 5\)"),
        ({"style": normal(2, 3), "truncation": 0.5}, "truncation is for styles of latents, and this one is of a style"),
    ],
)
def test_controls_that_do_not_fit_are_an_error(controls, message):
    with pytest.raises(UserError, match=message):
        generated(**controls)


@pytest.mark.parametrize("size", [(32, 64), (48, 48), (16, 16)])
def test_images_that_are_no_square_of_a_power_of_two_are_an_error(size):
    with pytest.raises(UserError, match=f"= {size[0]}x{size[1]}: this method trains on squares"):
        method_with(**{"data.height": size[0], "data.width": size[1]}).networks()


@pytest.mark.parametrize(
    ("size", "bottleneck", "high_pass", "downs"), [(256, 16, 0, 4), (256, 16, 1, 5), (64, 32, 0, 1)]
)
def test_the_generator_halves_images_down_to_its_bottleneck(size, bottleneck, high_pass, downs):
    options = {"data.height": size, "data.width": size, "model.bottleneck": bottleneck, "model.high_pass": high_pass}
    assert method_with(**options).networks()["generator"].num_downsamplings == downs


@pytest.mark.parametrize("bottleneck", [0, 12, 32])
def test_a_bottleneck_that_halving_does_not_reach_is_an_error(bottleneck):
    with pytest.raises(UserError, match=f"model.bottleneck = {bottleneck}: it should be a power of 2 below"):
        method_with(**{"model.bottleneck": bottleneck}).networks()


def test_the_presets_have_the_papers_numbers():
    celeba, afhq = get_config("celeba_hq"), get_config("afhq")
    assert (celeba.loss.weights.diversity, afhq.loss.weights.diversity) == (1.0, 2.0)
    assert (celeba.model.high_pass, afhq.model.high_pass) == (1.0, 0.0)
    assert afhq.optimizer.learning_rate.mapping_network == 1e-6
    assert celeba.data.domains == ("female", "male")

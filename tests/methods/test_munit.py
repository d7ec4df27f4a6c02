"""MUNIT as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.munit import PRESETS, get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.methods import Nets
from jaxsyn.methods.munit import Codes, Munit
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import filled, normal

BATCH = {"source": normal(2, 8, 8, 3), "image": normal(2, 8, 8, 3, seed=1)}
RNG = jax.random.key(0)


def method_with(**options):
    config = get_config()
    config.batch_size = 2
    config.model.generator.update(width=1, style_dim=2, mlp_width=2, num_blocks=1, num_downsamplings=1)
    config.model.discriminator.update(width=1, num_layers=1, num_scales=1)
    config.update_from_flattened_dict(options)
    return Munit(config)


class AutoEncoder:
    """Stands for a domain's: the style is the mean of two channels, the content is the image less the domain's shift.

    A decoded image is content, shift, and the first number of the style together.
    """

    def __init__(self, shift):
        self.shift = shift

    def apply(self, variables, *args, method, **options):
        return getattr(self, method)(*args), {}

    def encode(self, image):
        return Codes(image - self.shift, self.encode_style(image))

    def encode_style(self, image):
        return image.mean((1, 2))[:, :2]

    def decode(self, content, style):
        return content + self.shift + style[:, :1, None, None]


class Discriminator:
    """Says the same of all images at each of two scales."""

    def apply(self, variables, image, **options):
        return [[image, jnp.full((2, 1), 0.5)]] * 2, {}


def nets():
    modules = {"generator_a": AutoEncoder(1.0), "generator_b": AutoEncoder(3.0)}
    modules |= dict.fromkeys(("discriminator_a", "discriminator_b"), Discriminator())
    return Nets(modules, {name: {} for name in modules}, {}, train=True)


def style_of(images):
    return images.mean((1, 2))[:, :2]


def in_domain(content, shift, style):
    return content + shift + style[:, :1, None, None]


def test_both_discriminators_learn_first_and_then_both_generators():
    discriminator, generator = method_with().phases()
    assert discriminator.trains == ("discriminator_a", "discriminator_b")
    assert generator.trains == ("generator_a", "generator_b")


def test_images_codes_and_cycles_are_reconstructed_and_weighed_by_kind():
    weights = {"adversarial": 2.0, "reconstruction": 3.0, "style": 5.0, "content": 7.0, "cycle": 11.0}
    method = method_with(**{f"loss.weights.{name}": weight for name, weight in weights.items()})
    loss, terms = method.generator_loss(nets(), BATCH, RNG)
    drawn = method.draw_styles(BATCH, RNG)
    for domain, name, shift, other_shift in (("a", "source", 1, 3), ("b", "image", 3, 1)):
        other = "b" if domain == "a" else "a"
        image = BATCH[name]
        translated = in_domain(image - shift, other_shift, drawn[other])
        content = translated - other_shift
        expected = {
            "reconstruction": in_domain(image - shift, shift, style_of(image)) - image,
            "content": content - (image - shift),
            "cycle": in_domain(content, shift, style_of(image)) - image,
        }
        for kind, difference in expected.items():
            np.testing.assert_allclose(terms[f"{kind}_{domain}"], np.abs(difference).mean(), rtol=1e-5)
        np.testing.assert_allclose(
            terms[f"style_{other}"], np.abs(style_of(translated) - drawn[other]).mean(), rtol=1e-5
        )
        np.testing.assert_allclose(terms[f"adversarial_{domain}"], 2 * 0.25)
    np.testing.assert_allclose(loss, sum(weights[name[:-2]] * term for name, term in terms.items()), rtol=1e-5)


def test_without_its_weight_there_is_no_cycle():
    _, terms = method_with(**{"loss.weights.cycle": 0.0}).generator_loss(nets(), BATCH, RNG)
    assert {name[:-2] for name in terms} == {"reconstruction", "style", "content", "adversarial"}


def test_discriminators_minimise_the_sum_over_scales_on_fresh_translations():
    loss, terms = method_with(**{"loss.weights.adversarial": 3.0}).discriminator_loss(nets(), BATCH, RNG)
    assert set(terms) == {"real_a", "fake_a", "real_b", "fake_b"}
    np.testing.assert_allclose(loss, 3 * 4 * 2 * 0.25)


@pytest.mark.parametrize(
    ("way", "content", "shift"),
    [
        ("forward", BATCH["source"] - 1, 3),
        ("backward", BATCH["image"] - 3, 1),
        ("source", BATCH["source"] - 1, 1),
        ("image", BATCH["image"] - 3, 3),
    ],
)
def test_content_is_decoded_in_the_domain_of_the_way_with_the_style_given(way, content, shift):
    style = normal(2, 2, seed=5)
    made = method_with().generate(nets(), BATCH, RNG, way=way, style=style)
    np.testing.assert_allclose(made, in_domain(content, shift, style), rtol=1e-5, atol=1e-5)


def test_images_keep_their_style_in_their_own_domain_and_take_a_drawn_one_in_the_other():
    method = method_with()
    kept = method.generate(nets(), BATCH, RNG, way="source")
    np.testing.assert_allclose(kept, in_domain(BATCH["source"] - 1, 1, style_of(BATCH["source"])), rtol=1e-5, atol=1e-6)
    one, another = (method.generate(nets(), BATCH, jax.random.key(seed)) for seed in (0, 1))
    assert np.abs(one - another).mean() > 0.1


def test_an_exemplar_gives_its_style_to_every_image_and_others_of_the_batch_swap_theirs():
    method = method_with()
    swapped = method.generate(nets(), BATCH, RNG, style_image=BATCH["image"])
    expected = in_domain(BATCH["source"] - 1, 3, style_of(BATCH["image"]))
    np.testing.assert_allclose(swapped, expected, rtol=1e-5, atol=1e-6)
    alone = method.generate(nets(), BATCH, RNG, style_image=BATCH["image"][:1])
    np.testing.assert_allclose(alone[0], swapped[0], rtol=1e-6)
    np.testing.assert_allclose(alone[1] - alone[0], (BATCH["source"][1] - BATCH["source"][0]), rtol=1e-4, atol=1e-5)


def test_mix_leads_from_one_style_to_the_other():
    method, ends = method_with(), normal(2, 1, 2, seed=7)

    @jax.jit
    def at(mix):
        return method.generate(nets(), BATCH, RNG, style=ends[0], toward=ends[1], mix=mix)

    first, second = (method.generate(nets(), BATCH, RNG, style=end) for end in ends)
    np.testing.assert_allclose(at(0.0), first, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(at(1.0), second, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        at(jnp.asarray([0.25, 0.75]))[1], 0.25 * first[1] + 0.75 * second[1], rtol=1e-4, atol=1e-5
    )


def test_a_cycle_returns_with_the_image_s_own_style():
    made = method_with().generate(nets(), BATCH, RNG, way="cycle", style=jnp.zeros((1, 2)))
    expected = in_domain(BATCH["source"] - 1, 1, style_of(BATCH["source"]))
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"way": "sideways"}, "way = 'sideways': choose one of forward, backward, source, image, cycle"),
        ({"style": np.zeros((3, 2))}, r"style has shape \(3, 2\); it should be \(2, 2\) or \(1, 2\)"),
        ({"toward": np.zeros((2, 8))}, r"toward has shape \(2, 8\)"),
        ({"style": np.zeros((2, 2)), "style_image": BATCH["image"]}, "style and style_image both say"),
    ],
)
def test_a_control_that_cannot_be_met_is_an_error(controls, message):
    with pytest.raises(UserError, match=message):
        method_with().generate(nets(), BATCH, RNG, **controls)


def test_a_step_keeps_the_shapes_of_the_state():
    method = method_with(**{"model.discriminator.norm": "batch", "remat": True})
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {"generator/cycle_a", "generator/style_b", "discriminator/fake_b", "generator/total"} <= set(terms)


def test_running_statistics_of_old_checkpoints_are_dropped_where_instance_norm_kept_them():
    method = method_with()
    rules, unused = method.checkpoint_names()["generator_b"], method.unused_entries()["generator_b"]
    network = method.networks()["generator_b"]
    variables = jax.eval_shape(lambda: network.init(RNG, jnp.zeros((1, 16, 16, 3)), method="encode"))
    variables = filled(variables)
    state = to_state_dict(variables, rules)
    assert "dec.model.0.model.0.model.1.norm.running_mean" in state
    old = state | {"enc_content.model.0.norm.running_mean": np.zeros(1)}
    restored = from_state_dict(old, variables, rules, unused=unused)
    jax.tree.map(np.testing.assert_array_equal, restored, variables)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_the_weights_and_sizes_of_the_authors_recipes(preset):
    config = get_config(preset)
    edges = preset.startswith(("edges", "cats", "dogs"))
    assert config.loss.weights.cycle == (0 if edges else 10)
    assert config.loss.weights.perceptual == (1 if preset == "synthia2cityscapes" else 0)
    if preset != "scenes":
        assert config.data.height == config.data.load_size == (512 if preset == "synthia2cityscapes" else 256)
        assert (config.optimizer.decay_every, config.num_steps) == (100_000, 1_000_000)


def test_the_perceptual_loss_names_the_weights_that_it_needs():
    method = method_with(**{"loss.weights.perceptual": 1.0})
    assert "vgg16-00b39a1b.pth" in method.frozen()["vgg"].remedy

"""DRIT between two domains as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.drit import IMAGES, get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict
from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.methods import Nets
from jaxsyn.methods.drit import DISCRIMINATORS, RANDOM_DISCRIMINATORS, Drit
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import filled, normal

KEY, DIM = jax.random.key(0), 3
BATCH = {"source": normal(4, 4, 4, 3), "image": normal(4, 4, 4, 3, seed=1)}
STYLE = normal(4, DIM, seed=2)


def method_with(**options):
    config = get_config()
    config.batch_size = 4
    config.model.width = config.model.discriminator.width = 1
    config.model.attribute_dim = DIM
    config.update_from_flattened_dict(options)
    return Drit(config)


class Fake:
    """Stands for a network without state."""

    def __init__(self, function):
        self.function, self.seen = function, []

    def apply(self, variables, *args, **options):
        self.seen.append(args)
        return self.function(*args), {}


def nets_with():
    """Content codes are the images; attributes their mean; images content plus the attribute's mean, plus 10 in b."""

    def attribute(image, branch, domain=None):
        mean = jnp.broadcast_to(image.mean((1, 2, 3))[:, None], (len(image), DIM))
        return mean, jnp.zeros_like(mean)

    def make(content, attribute, branch, domain=None):
        return (content + attribute.mean(-1)[:, None, None, None] + {"a": 0, "b": 10}[branch],)

    modules = {
        "content_encoder": Fake(lambda image, branch: image),
        "attribute_encoder": Fake(attribute),
        "generator": Fake(make),
        "content_discriminator": Fake(lambda content: [content.mean((1, 2, 3))]),
    }
    modules |= {
        name: Fake(lambda *images: [[images[0].mean(-1, keepdims=True)]])
        for name in (*DISCRIMINATORS, *RANDOM_DISCRIMINATORS)
    }
    return Nets(modules, {name: {} for name in modules}, {}, train=True)


def without_noise(method):
    """Draws are 0, but for the attributes: 1, and 2 for the second."""
    values = {"random": 1.0, "random_2": 2.0}
    method.draw = lambda rng, name, shape: jnp.full(shape, values.get(name, 0.0))
    return method


def mean_of(images):
    return images.mean((1, 2, 3), keepdims=True)


def test_discriminators_of_swapped_attributes_see_the_first_image_of_a_group_and_the_others_the_rest():
    method, nets = without_noise(method_with()), nets_with()
    nets.kept["rng"] = KEY
    method.discriminator_loss(nets, BATCH, KEY)
    (fake,), (real,) = nets.modules["discriminator_a"].seen
    np.testing.assert_array_equal(real, BATCH["source"][::2])
    swapped = BATCH["image"][::2] + mean_of(BATCH["source"][::2])
    np.testing.assert_allclose(fake, swapped, atol=1e-5)
    calls = [images for (images,) in nets.modules["random_discriminator_b"].seen]
    np.testing.assert_allclose(calls[0], BATCH["source"][::2] + 10 + 1, atol=1e-5)
    np.testing.assert_array_equal(calls[1], BATCH["image"][1::2])
    np.testing.assert_allclose(calls[2], BATCH["source"][::2] + 10 + 2, atol=1e-5)


def test_translating_twice_with_swapped_attributes_is_compared_with_the_images():
    method, nets = without_noise(method_with()), nets_with()
    nets.kept["rng"] = KEY
    _, terms = method.reconstruction_loss(nets, BATCH, KEY)
    source, image = BATCH["source"][::2], BATCH["image"][::2]
    # What these networks make of it: the content of the source, with 10 of domain b and the attributes on the way.
    fake_a, fake_b = image + mean_of(source), source + 10 + mean_of(image)
    np.testing.assert_allclose(terms["cross_cycle_a"], np.abs(fake_b + mean_of(fake_a) - source).mean(), rtol=1e-4)
    np.testing.assert_allclose(terms["reconstruction_a"], np.abs(mean_of(source)).mean(), rtol=1e-4)
    np.testing.assert_allclose(terms["content_prior_b"], np.square(image).mean(), rtol=1e-5)


def test_a_content_discriminator_that_cannot_decide_costs_the_encoder_least():
    method, nets = without_noise(method_with()), nets_with()
    nets.kept["rng"] = KEY
    undecided = {name: np.zeros_like(images) for name, images in BATCH.items()}
    least = method.reconstruction_loss(nets, undecided, KEY)[1]["content_adversarial_a"]
    np.testing.assert_allclose(least, np.log(2), rtol=1e-6)
    assert method.reconstruction_loss(nets, BATCH, KEY)[1]["content_adversarial_a"] > least


@pytest.mark.parametrize(
    ("options", "expected", "judged"),
    [
        ({}, {"adversarial", "latent", "mode_seeking"}, 2),
        ({"model.two_scale": True}, {"adversarial", "latent", "mode_seeking"}, 1),
        ({"loss.weights.mode_seeking": 0.0}, {"adversarial", "latent"}, 1),
    ],
)
def test_a_second_attribute_is_drawn_for_mode_seeking_and_judged_but_in_high_resolution(options, expected, judged):
    method, nets = without_noise(method_with(**options)), nets_with()
    nets.kept["rng"] = KEY
    _, terms = method.random_loss(nets, BATCH, KEY)
    assert set(terms) == {f"{name}_{domain}" for name in expected for domain in "ab"}
    assert len(nets.modules["random_discriminator_a"].seen) == judged
    if "mode_seeking" in expected:
        np.testing.assert_allclose(terms["mode_seeking_a"], 1, rtol=1e-4)


def test_only_the_last_of_three_steps_updates_more_than_the_content_discriminator():
    method = method_with(**{"loss.content_iterations": 3})
    phases = {phase.name: [phase.is_due(step) for step in range(6)] for phase in method.phases()}
    assert all(phases.pop("content_discriminator"))
    assert set(map(tuple, phases.values())) == {(False, False, True) * 2}


def test_groups_of_one_and_parts_of_groups_are_errors():
    for group in (1, 3):
        with pytest.raises(UserError, match=rf"loss\.group={group} with 4 images"):
            method_with(**{"loss.group": group}).split(BATCH)


@pytest.mark.parametrize(("way", "origin", "offset"), [("forward", "source", 10), ("backward", "image", 0)])
def test_a_given_style_translates_either_way(way, origin, offset):
    made = method_with().generate(nets_with(), BATCH, KEY, way=way, style=STYLE)
    expected = BATCH[origin] + STYLE.mean(-1)[:, None, None, None] + offset
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_styles_are_mixed_from_one_end_to_the_other():
    method, nets = without_noise(method_with()), nets_with()
    controls = {"style": STYLE, "toward_image": BATCH["image"]}
    ends = [method.generate(nets, BATCH, KEY, **controls, mix=mix) for mix in (0.0, 1.0)]
    np.testing.assert_array_equal(ends[0], method.generate(nets, BATCH, KEY, style=STYLE))
    np.testing.assert_array_equal(ends[1], method.generate(nets, BATCH, KEY, style_image=BATCH["image"]))
    each = method.generate(nets, BATCH, KEY, **controls, mix=jnp.array([0.0, 1.0, 0.0, 1.0]))
    np.testing.assert_allclose(each[1], ends[1][1], rtol=1e-5)


def test_samples_of_an_input_differ_by_the_key_alone():
    method, nets = method_with(), nets_with()
    first, again, other = (method.generate(nets, BATCH, jax.random.key(k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert float(jnp.abs(first - other).min()) > 0


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"way": "sideways"}, "way = 'sideways'"),
        ({"style": STYLE, "style_image": BATCH["image"]}, "style and style_image both"),
        ({"style": STYLE[:, :2]}, r"style has shape \(4, 2\); it should be \(4, 3\) or \(1, 3\)"),
        ({"toward": STYLE}, "toward and toward_image go with a style"),
    ],
)
def test_controls_that_make_no_sense_are_errors(controls, message):
    with pytest.raises(UserError, match=message):
        method_with().generate(nets_with(), BATCH, KEY, **controls)


@pytest.mark.parametrize("concat", [True, False])
def test_a_step_keeps_the_shapes_of_the_state(concat):
    method = method_with(**{"model.concat": concat, "model.discriminator.spectral": True})
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {"content_discriminator/content_a", "reconstruction/cross_cycle_b", "random/latent_a"} <= set(terms)


def test_networks_are_read_from_one_file_of_all_and_their_optimisers(tmp_path):
    torch = pytest.importorskip("torch")
    method = method_with()
    rules, network = method.checkpoint_names(), method.networks()["content_encoder"]
    variables = filled(jax.eval_shape(lambda x: network.init(KEY, x, "a"), jnp.ones((1, 16, 16, 3))))
    state = to_state_dict(variables, rules["content_encoder"])
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    moments = {"state": {0: {"exp_avg": tensors["convA.0.model.1.weight"]}}, "param_groups": [{"lr": 1e-4}]}
    torch.save({"enc_c": tensors, "gen": {"x": torch.zeros(1)}, "enc_c_opt": moments, "ep": 3}, tmp_path / "model.pth")
    read = read_state_dict(tmp_path / "model.pth", "enc_c")
    restored = from_state_dict(read, variables, rules["content_encoder"])
    jax.tree.map(np.testing.assert_array_equal, restored, variables)


@pytest.mark.parametrize("preset", IMAGES)
def test_an_authors_set_runs_its_epochs_or_half_a_million_steps_of_all_networks(preset):
    config = get_config(preset)
    epochs = 90 if preset == "gta2cityscapes" else 1200
    assert config.num_steps == min(epochs * (max(IMAGES[preset]) // 2), 1_500_000)
    assert config.model.concat == (preset not in ("portrait", "cat2dog"))
    assert config.model.two_scale == (preset == "gta2cityscapes")

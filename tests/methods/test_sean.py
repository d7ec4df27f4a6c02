"""SEAN as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.sean import PRESETS, get_config
from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap, region_means
from jaxsyn.methods import Nets
from jaxsyn.methods.sean import Sean
from tests.arrays import filled, integers, normal

CLASSES, SIZE, BATCH = 12, 32, 2
LABEL = integers(0, 6, BATCH, SIZE, SIZE)
OTHER_LABEL = integers(3, 9, BATCH, SIZE, SIZE, seed=1)
IMAGE, OTHER_IMAGE = (np.tanh(normal(BATCH, SIZE, SIZE, 3, seed=seed)) for seed in (2, 3))


class EchoGenerator(nn.Module):
    """Its image is the codes that it got; codes are mean colours of regions."""

    def encode(self, image, label):
        return region_means(image, label)

    def __call__(self, label, image=None, codes=None, noise=None):
        return codes


def sean(**options):
    config = get_config()
    config.data.height = config.data.width = SIZE
    config.model.generator.update(width=2, hidden=4, style_length=3, encoder_width=2)
    config.update_from_flattened_dict(options)
    return Sean(config)


class EchoSean(Sean):
    """SEAN whose generator shows the codes."""

    def style_codes(self, nets, image, label):
        return nets.generator(image, label, method=EchoGenerator.encode)


def generate(batch=None, **controls):
    method = EchoSean(sean().config)
    nets = Nets({"generator": EchoGenerator()}, {"generator": {}}, {}, train=False)
    batch = {"label": LABEL, "image": IMAGE} if batch is None else batch
    return np.asarray(jax.jit(lambda c: method.generate(nets, batch, jax.random.key(0), **c))(controls))


def codes_of(image, label):
    return np.asarray(region_means(image, LabelMap(label, None, CLASSES)))


def test_without_controls_an_image_keeps_its_own_style():
    np.testing.assert_allclose(generate(), codes_of(IMAGE, LABEL), atol=1e-6)


def test_a_style_image_is_read_by_its_own_label_map():
    made = generate(style_image=OTHER_IMAGE, style_label=OTHER_LABEL)
    np.testing.assert_allclose(made, codes_of(OTHER_IMAGE, OTHER_LABEL), atol=1e-6)


def test_given_codes_need_no_image():
    codes = normal(CLASSES, 3)
    made = generate(batch={"label": LABEL}, style=codes)
    np.testing.assert_allclose(made, np.broadcast_to(codes, made.shape))


def test_only_the_chosen_classes_take_the_style():
    chosen = np.arange(CLASSES) == 4
    made = generate(style_image=OTHER_IMAGE, style_label=OTHER_LABEL, classes=chosen)
    np.testing.assert_allclose(made[:, 4], codes_of(OTHER_IMAGE, OTHER_LABEL)[:, 4], atol=1e-6)
    np.testing.assert_allclose(made[:, ~chosen], codes_of(IMAGE, LABEL)[:, ~chosen], atol=1e-6)


def test_interpolation_goes_from_one_style_to_the_other():
    first, second = normal(BATCH, CLASSES, 3), normal(BATCH, CLASSES, 3, seed=1)
    made = generate(style=second, other_style=first, interpolation=jnp.float32([0.0, 0.25]))
    np.testing.assert_allclose(made[0], first[0], atol=1e-6)
    np.testing.assert_allclose(made[1], 0.75 * first[1] + 0.25 * second[1], atol=1e-6)
    by_class = np.tile(np.linspace(0, 1, CLASSES, dtype=np.float32), (BATCH, 1))
    made = generate(style=second, other_style=first, interpolation=by_class)
    np.testing.assert_allclose(made, first + by_class[..., None] * (second - first), atol=1e-6)


def test_the_mean_style_stands_in_for_absent_classes_alone():
    mean = normal(CLASSES, 3, seed=5)
    made = generate(style_image=OTHER_IMAGE, style_label=OTHER_LABEL, mean_style=mean)
    codes = codes_of(OTHER_IMAGE, OTHER_LABEL)
    np.testing.assert_allclose(made[:, 3:9], codes[:, 3:9], atol=1e-6)
    np.testing.assert_allclose(made[:, :3], np.broadcast_to(mean[:3], made[:, :3].shape))


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"style": normal(CLASSES, 3), "style_image": OTHER_IMAGE}, "style and style_image"),
        ({"style_image": OTHER_IMAGE}, "style_image and style_label go together"),
        ({"classes": np.ones(CLASSES, bool)}, "need a style or style_image"),
        ({"style": normal(CLASSES, 4)}, r"style codes of shape \(12, 4\): expected \(2, 12, 3\) or \(12, 3\)"),
        ({"mean_style": normal(5, 3)}, r"mean_style of shape \(5, 3\)"),
        ({"style": normal(CLASSES, 3), "classes": np.ones(CLASSES)}, "classes must be bool"),
        ({"style": normal(CLASSES, 3), "interpolation": np.ones(5)}, r"interpolation of shape \(5,\)"),
        ({"noise": {"head_0": {"norm_s": np.zeros((2, 1, 1, 1))}}}, "no layer head_0/norm_s"),
        ({"noise": {"up_0": {"norm_s": np.zeros((2, 1, 1, 1))}}}, r"noise of up_0/norm_s is \(2, 1, 1, 1\), not"),
    ],
)
def test_controls_that_do_not_fit_are_errors(controls, message):
    with pytest.raises(UserError, match=message):
        generate(**controls)


def test_a_batch_without_images_needs_a_style():
    with pytest.raises(UserError, match="the batch has no image"):
        generate(batch={"label": LABEL})


@pytest.fixture(scope="module")
def network():
    """The method, and its generator as a function (codes, noise, seed) -> image, with noise that is seen."""
    method = sean()
    generator, label = method.networks()["generator"], LabelMap(LABEL, None, CLASSES)
    variables = filled(jax.eval_shape(generator.init, jax.random.key(0), label, IMAGE))
    variables["batch_stats"] = jax.tree.map(np.abs, variables["batch_stats"])  # variances are positive
    params, states = {"generator": variables.pop("params")}, {"generator": variables}

    @jax.jit
    def made(noise, seed):
        nets = Nets({"generator": generator}, params, states, train=False)
        batch = {"label": LABEL, "image": IMAGE}
        return method.generate(nets, batch, jax.random.key(seed), noise=noise)

    return method, made


def test_given_noise_is_all_the_randomness_there_is(network):
    method, made = network
    noise = method.draw_noise(BATCH, jax.random.key(5))
    np.testing.assert_array_equal(made(noise, 0), made(noise, 1))
    assert np.abs(made({}, 0) - made({}, 1)).max() > 1e-4


def test_every_layer_that_adds_noise_is_listed_with_its_size():
    sizes = sean().noise_sizes()
    assert sum(map(len, sizes.values())) == 18
    assert sizes["head_0"] == {"norm_0": (1, 1), "norm_1": (1, 1)}
    assert sizes["up_3"] == dict.fromkeys(("norm_0", "norm_1", "norm_s"), (SIZE, SIZE))


def test_the_last_block_has_no_style_and_upsampling_most_is_refused():
    method = sean()
    label = LabelMap(jax.ShapeDtypeStruct(LABEL.shape, jnp.int32), None, CLASSES)
    image = jax.ShapeDtypeStruct(IMAGE.shape, jnp.float32)
    params = jax.eval_shape(method.networks()["generator"].init, jax.random.key(0), label, image)["params"]
    styled = [block for block, tree in params.items() if "fc_mu" in tree.get("norm_0", {})]
    assert sorted(styled) == ["G_middle_0", "G_middle_1", "head_0", "up_0", "up_1", "up_2"]
    with pytest.raises(UserError, match="'most' is not defined for SEAN"):
        sean(**{"model.generator.upsampling": "most"}).networks()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_its_networks(preset):
    assert set(Sean(get_config(preset)).networks()) == {"generator", "discriminator"}


def test_an_unknown_preset_is_an_error():
    with pytest.raises(UserError, match="no preset 'faces'; choose one of scenes, celebamask_hq"):
        get_config("faces")

"""SMIS as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.smis import PRESETS, get_config
from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap
from jaxsyn.methods import Nets
from jaxsyn.methods.smis import LATENT_CHANNELS, ClassEncoder, Smis, modulation_sizes
from tests.arrays import filled, integers, normal

CLASSES, SIZE, BATCH = 12, 64, 2
LABEL = integers(0, 6, BATCH, SIZE, SIZE)
OTHER_LABEL = integers(3, 9, BATCH, SIZE, SIZE, seed=1)
OTHER_IMAGE = np.tanh(normal(BATCH, SIZE, SIZE, 3, seed=3))
LATENT = normal(BATCH, 2, 2, CLASSES, LATENT_CHANNELS)


class EchoGenerator(nn.Module):
    """Its image is the latents that it got."""

    def __call__(self, label, latent):
        return latent


class CountingEncoder(nn.Module):
    """A posterior without spread around 1 + k for class k."""

    def __call__(self, crops):
        mean = jnp.broadcast_to(1.0 + jnp.arange(crops.shape[3])[:, None], (len(crops), 2, 2, CLASSES, LATENT_CHANNELS))
        return mean, jnp.full_like(mean, -100.0)


def smis(**options):
    config = get_config()
    config.update_from_flattened_dict(options)
    return Smis(config)


def generate(seed=0, **controls):
    method, modules = smis(), {"generator": EchoGenerator(), "encoder": CountingEncoder()}
    nets = Nets(modules, {name: {} for name in modules}, {}, train=False)
    batch = {"label": LABEL}
    return np.asarray(jax.jit(lambda c, key: method.generate(nets, batch, key, **c))(controls, jax.random.key(seed)))


def chosen(*classes):
    return np.isin(np.arange(CLASSES), classes)


def test_without_controls_latents_are_drawn_from_the_prior_by_the_key():
    first = generate()
    np.testing.assert_array_equal(first, generate())
    assert np.abs(first - generate(seed=1)).max() > 0.1
    assert abs(first.mean()) < 0.1
    assert abs(first.std() - 1) < 0.1


def test_given_latents_reach_the_generator():
    np.testing.assert_array_equal(generate(latent=LATENT), LATENT)


def test_only_the_resampled_classes_change_and_every_key_draws_them_anew():
    made = [generate(latent=LATENT, resample=chosen(2, 5), seed=seed) for seed in (0, 1)]
    for image in made:
        np.testing.assert_array_equal(image[..., ~chosen(2, 5), :], LATENT[..., ~chosen(2, 5), :])
    assert np.abs(made[0] - made[1])[..., chosen(2, 5), :].min() > 0
    by_image = np.stack([chosen(1), chosen()])
    made = generate(latent=LATENT, resample=by_image)
    np.testing.assert_array_equal(made[1], LATENT[1])
    assert np.abs(made[0] - LATENT[0])[..., 1, :].max() > 0.1


def test_a_class_drawn_by_its_own_key_leaves_what_generate_draws():
    method, batch = smis(), {"label": LABEL}
    nets = Nets({"generator": EchoGenerator()}, {"generator": {}}, {}, train=False)
    made = method.resample_class(nets, batch, jax.random.key(0), jnp.int32(3), jax.random.key(1))
    changed = (np.asarray(made) != generate()).all((0, 1, 2, 4))
    np.testing.assert_array_equal(changed, chosen(3))
    np.testing.assert_array_equal(made[..., ~chosen(3), :], generate()[..., ~chosen(3), :])


def test_the_classes_of_a_style_image_take_their_posteriors():
    made = generate(latent=LATENT, style_image=OTHER_IMAGE, style_label=OTHER_LABEL)
    np.testing.assert_allclose(made[..., 3:9, 0], np.broadcast_to(np.arange(4, 10), (BATCH, 2, 2, 6)), atol=1e-6)
    np.testing.assert_array_equal(made[..., :3, :], LATENT[..., :3, :])
    made = generate(latent=LATENT, style_image=OTHER_IMAGE, style_label=OTHER_LABEL, style_classes=chosen(4))
    np.testing.assert_array_equal(made[..., ~chosen(4), :], LATENT[..., ~chosen(4), :])
    np.testing.assert_allclose(made[..., 4, :], 5, atol=1e-6)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"latent": LATENT[:, :1]}, r"latent of shape \(2, 1, 2, 12, 8\): expected \(2, 2, 2, 12, 8\)"),
        ({"style_image": OTHER_IMAGE}, "style_image and style_label go together"),
        ({"style_classes": chosen(1)}, "style_classes needs a style_image"),
        ({"style_image": OTHER_IMAGE[:, :8], "style_label": OTHER_LABEL}, r"style_image \(2, 8, 64, 3\)"),
        ({"resample": np.ones(CLASSES)}, "resample must be bool"),
        ({"resample": np.ones(5, bool)}, r"resample must be bool \(12,\) or \(2, 12\)"),
    ],
)
def test_controls_that_do_not_fit_are_errors(controls, message):
    with pytest.raises(UserError, match=message):
        generate(**controls)


def test_a_class_is_encoded_by_its_own_crop_alone():
    encoder = ClassEncoder(width=2 * CLASSES, num_layers=3)
    crops = normal(1, 16, 16, CLASSES, 3)
    other = crops.copy()
    other[..., 7, :] += 1
    variables = filled(jax.eval_shape(encoder.init, jax.random.key(0), crops))
    first, second = (np.asarray(jax.jit(encoder.apply)(variables, x)[0]) for x in (crops, other))
    assert first.shape == (1, 2, 2, CLASSES, LATENT_CHANNELS)
    changed = np.abs(first - second).max((0, 1, 2, 4)) > 1e-4
    np.testing.assert_array_equal(changed, chosen(7))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_images_of_its_size_from_its_latents(preset):
    method = Smis(get_config(preset))
    size, classes = (1, method.config.data.height, method.config.data.width), method.num_classes
    edges = jax.ShapeDtypeStruct((*size, 1), jnp.float32) if method.config.data.use_instance else None
    label = LabelMap(jax.ShapeDtypeStruct(size, jnp.int32), edges, classes)
    encoder, generator = (method.networks()[name] for name in ("encoder", "generator"))
    crops = jax.ShapeDtypeStruct((*size, classes, 3), jnp.float32)
    (mean, _), _ = jax.eval_shape(encoder.init_with_output, jax.random.key(0), crops)
    assert mean.shape[1:3] == method.start
    image, variables = jax.eval_shape(generator.init_with_output, jax.random.key(0), label, mean)
    assert image.shape == (*size, 3)
    assert ("up_4" in variables["params"]) == (preset == "ade20k")


@pytest.mark.parametrize(
    ("kind", "classes", "groups", "sizes"),
    [
        ("block", 8, 4, (128, 4, 4)),
        ("class", 35, 20, (700, 35, 35)),
        ("mixed", 151, 16, (2416, 151, 16)),
        ("mixed", 8, 4, (16, 8, 4)),
    ],
)
def test_the_modulation_has_the_sizes_of_its_data_set(kind, classes, groups, sizes):
    assert modulation_sizes(kind, classes, groups, 128) == sizes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model.generator.upsampling": "most"}, "'most' is not defined for SMIS"),
        ({"model.generator.groups": (1, 1)}, "widths and groups name the 7 blocks head_0"),
    ],
)
def test_a_config_that_makes_no_network_is_an_error(options, message):
    with pytest.raises(UserError, match=message):
        smis(**options).networks()


def test_an_encoder_that_does_not_end_where_the_generator_begins_is_an_error():
    method = smis(**{"model.encoder.num_layers": 6})
    modules = {"encoder": ClassEncoder(width=CLASSES, num_layers=6)}
    crops = jax.ShapeDtypeStruct((BATCH, SIZE, SIZE, CLASSES, 3), jnp.float32)
    params = jax.eval_shape(modules["encoder"].init, jax.random.key(0), crops)
    state = {"encoder": {"spectral": params["spectral"]}}

    def encode(params, states):
        nets = Nets(modules, params, states, train=False)
        return method.encode(nets, {"image": OTHER_IMAGE, "label": OTHER_LABEL}, jax.random.key(0))[0]

    with pytest.raises(
        UserError, match=r"num_layers = 6 ends at \(1, 1\), but the generator begins at \(2, 2\).* to 5"
    ):
        jax.eval_shape(encode, {"encoder": params["params"]}, state)


def test_an_unknown_preset_is_an_error():
    with pytest.raises(UserError, match="no preset 'coco_stuff'; choose one of scenes, deepfashion"):
        get_config("coco_stuff")

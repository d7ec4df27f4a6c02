"""pix2pixHD as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.pix2pixhd import PRESETS, get_config
from jaxsyn.errors import UserError
from jaxsyn.methods import Nets, build
from jaxsyn.methods.pix2pixhd import DRAW, KEEP, Pix2pixHd
from tests.arrays import integers, normal

SIZE, INSTANCES, CLASSES, CHANNELS = 16, 4, 3, 3
INSTANCE = np.repeat(np.arange(INSTANCES, dtype=np.int32), SIZE // INSTANCES)[None, :, None]
INSTANCE = np.broadcast_to(INSTANCE, (2, SIZE, SIZE))
BATCH = {"instance": INSTANCE, "label": INSTANCE % CLASSES, "image": normal(2, SIZE, SIZE, 3)}
CLUSTERS = np.arange(CLASSES * 2 * CHANNELS, dtype=np.float32).reshape(CLASSES, 2, CHANNELS)
COUNTS = np.array([2, 1, 0], np.int32)


def method_with(**options):
    config = get_config()
    config.update_from_flattened_dict(
        {"data.num_classes": CLASSES, "data.max_instances": INSTANCES, "data.use_instance": False, **options}
    )
    return Pix2pixHd(config)


class EchoGenerator(nn.Module):
    """Returns the classes that it sees, and the style of each pixel."""

    def __call__(self, label):
        return label.ids, label.extra


class ColourEncoder(nn.Module):
    """The image's own colours as styles."""

    def __call__(self, label):
        return label.ids


def generate(method, seed=0, batch=BATCH, **controls):
    """Classes and styles [B, I, F], by instance."""
    modules = {"generator": EchoGenerator(), "encoder": ColourEncoder()}
    nets = Nets(modules, {name: {} for name in modules}, {}, train=False)
    run = jax.jit(lambda controls: method.generate(nets, batch, jax.random.key(seed), **controls))
    rows = slice(None, None, SIZE // INSTANCES)
    return [x if x is None else np.asarray(x)[:, rows, 0] for x in run(controls)]


def own_styles():
    return BATCH["image"].reshape(2, INSTANCES, -1, 3).mean(2)


def test_without_controls_each_instance_has_the_mean_of_the_encoders_map_over_it():
    np.testing.assert_allclose(generate(method_with())[1], own_styles(), atol=1e-6)


def test_given_styles_and_those_of_another_image_take_their_place():
    style, image = normal(2, INSTANCES, CHANNELS, seed=1), np.ones_like(BATCH["image"])
    np.testing.assert_array_equal(generate(method_with(), style=style)[1], style)
    np.testing.assert_allclose(generate(method_with(), style_image=image)[1], 1, atol=1e-6)


def test_clusters_are_drawn_among_those_of_the_class_and_none_means_zero():
    drawn = np.stack([generate(method_with(), seed, clusters=CLUSTERS, cluster_counts=COUNTS)[1] for seed in range(6)])
    assert {tuple(style) for style in drawn[:, :, 0].reshape(-1, CHANNELS)} == {tuple(c) for c in CLUSTERS[0]}
    np.testing.assert_array_equal(drawn[:, :, 1], np.broadcast_to(CLUSTERS[1, 0], (6, 2, CHANNELS)))
    assert not drawn[:, :, 2].any()


def test_a_cluster_may_be_chosen_for_one_instance_while_the_others_keep_theirs():
    choice = np.full((2, INSTANCES), KEEP)
    choice[:, 0], choice[:, 1] = 1, DRAW
    style = generate(method_with(), clusters=CLUSTERS, cluster_counts=COUNTS, cluster_choice=choice)[1]
    np.testing.assert_array_equal(style[:, 0], np.broadcast_to(CLUSTERS[0, 1], (2, CHANNELS)))
    np.testing.assert_array_equal(style[:, 1], np.broadcast_to(CLUSTERS[1, 0], (2, CHANNELS)))
    np.testing.assert_allclose(style[:, 2:], own_styles()[:, 2:], atol=1e-6)


def test_an_instance_may_become_another_class():
    classes = np.full((2, INSTANCES), -1)
    classes[0, 3] = 2
    seen = generate(method_with(), instance_classes=classes)[0]
    np.testing.assert_array_equal(seen, [[0, 1, 2, 2], [0, 1, 2, 0]])


def test_classes_may_have_the_styles_in_the_place_of_instances():
    method = method_with(**{"model.style_regions": "class"})
    style = normal(2, CLASSES, CHANNELS, seed=1)
    np.testing.assert_array_equal(generate(method, style=style)[1], style[:, [0, 1, 2, 0]])


def test_an_encoder_of_an_earlier_stage_sees_images_of_its_size():
    options = {"stage": "joint", "model.train_encoder": False}
    method = method_with(**options)
    assert method.phases()[0].trains == ("generator",)
    np.testing.assert_allclose(generate(method)[1], own_styles(), atol=1e-5)
    assert method_with(stage="joint").phases()[0].trains == ("generator", "encoder")


@pytest.mark.parametrize(
    ("options", "controls", "message"),
    [
        ({"model.use_style": False}, {"style": normal(2, 4, 3)}, r"no styles: .*model\.use_style=True"),
        ({}, {"style": normal(2, 4, 3), "style_image": BATCH["image"]}, "give one of them"),
        ({}, {"style": normal(2, 3, 3)}, r"style has shape \(2, 3, 3\); it should be \(2, 4, 3\)"),
        ({}, {"style_regions": INSTANCE}, "style_regions are those of a style_image"),
        ({}, {"clusters": CLUSTERS}, "go together"),
        ({}, {"cluster_choice": integers(0, 1, 2, 4)}, "go together"),
        ({"model.style_regions": "object"}, {}, "choose one of instance, class"),
        ({"data.max_instances": None}, {}, r"data\.max_instances is not set"),
    ],
)
def test_controls_that_do_not_fit_are_errors(options, controls, message):
    with pytest.raises(UserError, match=message):
        generate(method_with(**options), **controls)


def test_a_model_without_styles_reads_the_label_map_alone():
    label, extra = generate(method_with(**{"model.use_style": False}))
    np.testing.assert_array_equal(label, np.broadcast_to([0, 1, 2, 0], (2, INSTANCES)))
    assert extra is None


def test_pictures_are_translated_where_the_data_is_paired():
    method = method_with(**{"data.pairing": "paired", "data.use_instance": True})
    source = jnp.asarray(normal(2, SIZE, SIZE, 3))
    label = method.label_map({"source": source, "instance": INSTANCE})
    assert label.is_dense
    assert label.channels == 4


def test_an_unknown_stage_is_an_error():
    with pytest.raises(
        UserError, match=r"stage = 'third' is not known; choose one of global_generator, enhancer_fixed, joint"
    ):
        method_with(stage="third").generator()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_builds_its_networks(preset):
    config = get_config(preset)
    networks = build(config).networks()
    assert set(networks) <= set(config.optimizer.learning_rate)
    assert config.stage in config.stages


def test_the_steps_of_a_stage_count_on_from_the_one_before_and_follow_its_length():
    assert get_config("cityscapes_2048").num_steps == 300 * 2975
    config = get_config("scenes_enhancer")
    config.stage_steps.global_generator = 10
    assert config.num_steps == 110


def test_an_unknown_preset_is_an_error_that_lists_them():
    with pytest.raises(UserError, match="no preset 'nyu'; choose one of scenes, scenes_enhancer"):
        get_config("nyu")

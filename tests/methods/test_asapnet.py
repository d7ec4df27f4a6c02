"""ASAP-Net as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.asapnet import PRESETS, get_config
from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap
from jaxsyn.methods import Nets, build
from jaxsyn.methods.asapnet import AsapNet, Generator
from tests.arrays import filled, integers, normal

SIZE, CLASSES = 16, 3
IDS, EDGES = integers(0, CLASSES, 1, SIZE, SIZE), integers(0, 2, 1, SIZE, SIZE, 1, seed=1).astype(np.float32)
LABEL = LabelMap(IDS, EDGES, CLASSES)
SMALL = {"learned_factor": 2, "width": 2, "max_width": 4, "depth": 1, "mlp_width": 4, "mlp_depth": 2}


def variables_for(generator, label=LABEL):
    return filled(jax.eval_shape(generator.init, jax.random.key(0), label))


def method_with(**options):
    config = get_config()
    config.data.height = config.data.width = SIZE
    config.data.num_classes = CLASSES
    config.model.generator.update(tile_size=4, **SMALL)
    config.model.discriminator.update(width=2, num_layers=2, num_scales=1)
    config.update_from_flattened_dict(options)
    return AsapNet(config)


def test_a_pixel_s_label_changes_the_image_of_its_tile_at_once_and_of_others_through_their_networks_only():
    generator = Generator(4, **SMALL)
    variables = variables_for(generator)
    # Networks that do not depend on the label map leave the pixels' own part.
    kernel = variables["params"]["predictor"]["conv_out"]["kernel"]
    variables["params"]["predictor"]["conv_out"]["kernel"] = np.zeros_like(kernel)
    image = jax.jit(lambda ids: generator.apply(variables, LABEL.replace(ids=ids))[0])
    other = IDS.copy()
    other[0, 5, 6] = (other[0, 5, 6] + 1) % CLASSES
    changed = np.abs(image(other) - image(IDS)).max(-1)[0]
    assert changed[5, 6] > 1e-3
    assert np.count_nonzero(changed) == 1


def test_a_hidden_instance_channel_reaches_the_predicted_networks_alone():
    shown, hidden = (Generator(4, **SMALL, hidden_channels=count) for count in (0, 1))
    bias = {g: variables_for(g)["params"]["predictor"]["conv_out"]["bias"].shape for g in (shown, hidden)}
    assert bias[shown][0] - bias[hidden][0] == SMALL["mlp_width"]
    parameters = jax.jit(lambda edges: hidden.apply(variables_for(hidden), LABEL.replace(extra=edges))[1])
    assert np.abs(parameters(EDGES) - parameters(1 - EDGES)).max() > 1e-4


def test_without_an_instance_channel_the_last_class_is_hidden():
    generator = Generator(4, **SMALL, hidden_channels=1)
    label = LABEL.replace(extra=None)
    count = variables_for(generator, label)["params"]["predictor"]["conv_out"]["bias"].shape[0]
    assert count == 4 + (CLASSES - 1 + 8) * 4 + 3 + 4 * 3


def test_recomputed_activations_give_the_same_gradients():
    plain, again = (Generator(4, **SMALL, remat=remat) for remat in (False, True))
    variables = variables_for(plain)
    kernel = variables["params"]["predictor"]["conv_out"].pop("kernel")

    def image_sum(kernel, generator):
        params = variables["params"]["predictor"]
        params = {"predictor": {**params, "conv_out": {**params["conv_out"], "kernel": kernel}}}
        return generator.apply({"params": params}, LABEL)[0].sum()

    a, b = jax.jit(lambda kernel: [jax.grad(image_sum)(kernel, generator) for generator in (plain, again)])(kernel)
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "size", "message"),
    [
        ({"tile_size": 4, "learned_factor": 8}, SIZE, "set model.generator.learned_factor to a divisor"),
        ({"tile_size": 4}, 18, "18x18 are no whole number of tiles of 4 pixels"),
        (
            {"tile_size": 3, "learned_factor": 3, "position_encoding": False},
            18,
            "factor = 3 is no power of two",
        ),
    ],
)
def test_tiles_that_do_not_fit_are_errors(options, size, message):
    generator = Generator(**{**SMALL, **options})
    with pytest.raises(UserError, match=message):
        variables_for(generator, LabelMap(jnp.zeros((1, size, size), jnp.int32), None, CLASSES))


def test_pixel_distances_and_the_penalty_on_predicted_parameters_are_terms_where_they_have_weights():
    names = ("l1", "mse", "predicted_parameters")
    method = method_with(**{f"loss.weights.{name}": 1.0 for name in names}, **{"data.use_instance": False})
    batch = {"label": IDS, "image": normal(1, SIZE, SIZE, 3)}
    label = method.label_map(batch)
    networks = method.networks()
    variables = {
        "generator": variables_for(networks["generator"], label),
        "discriminator": filled(
            jax.eval_shape(networks["discriminator"].init, jax.random.key(0), label, (batch["image"],))
        ),
    }
    params = {name: tree.pop("params") for name, tree in variables.items()}

    @jax.jit
    def run(params):
        nets = Nets(networks, params, variables, train=False)
        return method.generator_loss(nets, batch, jax.random.key(0))[1], nets.generator(label)

    terms, (image, parameters) = run(params)
    assert set(terms) == {"adversarial", "feature_matching", *names}
    np.testing.assert_allclose(terms["l1"], np.abs(image - batch["image"]).mean(), rtol=1e-5)
    np.testing.assert_allclose(terms["mse"], np.square(image - batch["image"]).mean(), rtol=1e-5)
    np.testing.assert_allclose(terms["predicted_parameters"], np.square(parameters).sum(), rtol=1e-5)


def test_pictures_are_translated_where_the_data_is_paired():
    method = method_with(**{"data.pairing": "paired", "data.use_instance": False})
    label = method.label_map({"source": jnp.zeros((1, SIZE, SIZE, 3))})
    assert label.is_dense
    assert label.channels == 3


def test_an_unknown_instance_channel_is_an_error():
    with pytest.raises(UserError, match=r"model\.instance_channel = 'depth' is not known; choose edges or distances"):
        method_with(**{"model.instance_channel": "depth"}).label_map({"label": IDS})


@pytest.mark.parametrize(
    ("preset", "tile"), [("scenes", 4), ("cityscapes", 16), ("facades_512", 32), ("facades_1024", 64), ("custom", 16)]
)
def test_every_preset_builds_its_networks_with_sixteen_tiles_from_top_to_bottom(preset, tile):
    config = get_config(preset)
    assert build(config).networks()["generator"].tile_size == tile
    assert preset in PRESETS


def test_tiles_follow_the_height_until_they_are_set():
    config = get_config("cityscapes")
    config.data.height = 512
    assert config.model.generator.tile_size == 32
    config.model.generator.tile_size = 8
    config.data.height = 1024
    assert config.model.generator.tile_size == 8


def test_an_unknown_preset_is_an_error_that_lists_them():
    with pytest.raises(UserError, match="no preset 'coco'; choose one of scenes, cityscapes, facades_512"):
        get_config("coco")

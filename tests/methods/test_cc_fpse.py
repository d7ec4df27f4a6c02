"""CC-FPSE as a method; its numbers are held by tests/parity."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.cc_fpse import get_config
from jaxsyn.errors import UserError
from jaxsyn.layers import LabelMap, label_convolve
from jaxsyn.methods import Nets
from jaxsyn.methods.cc_fpse import CcFpse, Generator
from jaxsyn.networks import conditional_block
from jaxsyn.networks.conditional_block import ConditionalBlock
from jaxsyn.networks.label_encoder import EncodedLabels
from tests.arrays import filled, integers, normal

CLASSES, SIZE = 3, 8
LAYOUT = EncodedLabels(LabelMap(integers(0, CLASSES, 2, 16, 16), None, CLASSES), (normal(2, SIZE, SIZE, 2),))


def method_with(**options):
    config = get_config()
    config.update_from_flattened_dict(options)
    return CcFpse(config)


def block_variables(block, channels):
    x = normal(2, SIZE, SIZE, channels)
    variables = filled(jax.eval_shape(block.init, jax.random.key(0), x, LAYOUT))
    variables["batch_stats"] = jax.tree.map(np.abs, variables["batch_stats"])  # variances are positive
    return x, variables


def test_a_closed_gate_leaves_the_shortcut():
    block = ConditionalBlock(3, hidden=2)
    x, variables = block_variables(block, 3)
    variables["params"]["gen_se_weights2_2"]["bias"] = np.full(3, -1e4, np.float32)
    np.testing.assert_allclose(jax.jit(block.apply)(variables, x, LAYOUT), x, atol=1e-5)


def test_the_predictors_first_convolutions_are_one(monkeypatch):
    block, widths = ConditionalBlock(3, hidden=2), []
    x, variables = block_variables(block, 3)

    def watched(label, kernel, **options):
        widths.append(kernel.shape[-1])
        return label_convolve(label, kernel, **options)

    monkeypatch.setattr(conditional_block, "label_convolve", watched)
    jax.eval_shape(block.apply, variables, x, LAYOUT)
    assert widths == [4 * 2]


def test_norms_that_the_authors_never_apply_change_nothing():
    block = ConditionalBlock(4, hidden=2)
    x, variables = block_variables(block, 3)
    y = jax.jit(block.apply)(variables, x, LAYOUT)
    for name in ("norm_0", "conv_0_norm_layer", "conv_2_norm_layer"):
        variables["params"][name] = jax.tree.map(lambda leaf: leaf + 1, variables["params"][name])
    np.testing.assert_array_equal(jax.jit(block.apply)(variables, x, LAYOUT), y)


@pytest.mark.parametrize(("upsampling", "size"), [("normal", 32), ("more", 64)])
def test_the_labels_are_encoded_at_every_size_of_the_decoder(upsampling, size):
    label = LabelMap(jax.ShapeDtypeStruct((1, size, 2 * size), jnp.int32), None, CLASSES)
    network = Generator((1, 2), width=2, upsampling=upsampling, hidden=2)
    image, variables = jax.eval_shape(network.init_with_output, jax.random.key(0), label)
    assert image.shape == (1, size, 2 * size, 3)
    assert len([name for name in variables["params"]["label_encoder"] if "labeldec" in name]) == size.bit_length() - 1


def test_rematerialisation_holds_every_block():
    network = Generator((1, 1), width=2, hidden=2, remat=True)
    label = LabelMap(integers(0, CLASSES, 1, 32, 32), None, CLASSES)
    variables = jax.eval_shape(network.init, jax.random.key(0), label)
    program = str(jax.make_jaxpr(lambda v: network.apply(v, label))(variables))
    assert len(re.findall(r"= remat\w*\[", program)) == 7


class Judge:
    """Stands for the discriminator: its features and logits tell which batch they are of."""

    def __call__(self, label, images):
        return [([float(i)] * 4, [10.0 + i] * 3) for i in range(len(images))]


def test_feature_matching_means_over_the_levels_of_the_pyramid():
    class JudgedNets(Nets):
        discriminator = Judge()

    nets = JudgedNets({}, {}, {}, train=False)
    ids = integers(0, 12, 1, 64, 64)
    batch = {"label": ids, "instance": ids, "image": normal(1, 64, 64, 3)}
    on_fake, on_real = method_with().discriminate(nets, batch, normal(1, 64, 64, 3))
    assert (on_fake.features, on_real.features) == ([[0.0]] * 4, [[1.0]] * 4)
    assert (on_fake.logits, on_real.logits) == ([10.0] * 3, [11.0] * 3)


def test_an_image_too_small_for_the_discriminator_is_an_error():
    with pytest.raises(UserError, match="32x64 must be at least 64x64"):
        method_with(**{"data.height": 32}).networks()


@pytest.mark.parametrize("preset", ["cityscapes", "ade20k", "coco_stuff", "custom"])
def test_every_preset_has_networks_with_a_style_encoder(preset):
    config = get_config(preset)
    assert set(CcFpse(config).networks()) == {"generator", "discriminator", "encoder"}
    assert config.model.generator.upsampling == ("more" if preset == "cityscapes" else "normal")
    assert config.loss.weights.feature_matching == 20

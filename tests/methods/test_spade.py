"""SPADE as a method; its numbers are held by tests/parity."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.layers import SPADE, LabelMap
from jaxsyn.methods import InitializingNets, Nets
from jaxsyn.methods.spade import STYLE_CHANNELS, Generator, Spade
from jaxsyn.networks.spade_decoder import SpadeBlock
from jaxsyn.training.frozen import load_frozen
from jaxsyn.training.state import initial_state
from tests.arrays import filled, integers, normal
from tests.tiny import SIZE, baseline_config, spade_config

CLASSES = 3
NORM = partial(SPADE, "batch", hidden=2)
LABEL = LabelMap(integers(0, CLASSES, 2, SIZE, SIZE), None, CLASSES)


def method_with(**options):
    config = spade_config()
    config.update_from_flattened_dict(options)
    return Spade(config)


def baseline_with(**options):
    config = baseline_config()
    config.update_from_flattened_dict(options)
    return Spade(config)


class EchoGenerator(nn.Module):
    """Its image tells its style, and that it got none by zeros."""

    def __call__(self, label, style=None):
        return jnp.zeros((2, STYLE_CHANNELS)) if style is None else style


class BrightnessEncoder(nn.Module):
    """A posterior without spread around the brightness of the image."""

    def __call__(self, image):
        mean = jnp.broadcast_to(image.mean((1, 2, 3))[:, None], (len(image), STYLE_CHANNELS))
        return mean, jnp.full_like(mean, -100.0)


def generate(method, seed=0, **controls):
    modules = {"generator": EchoGenerator(), "encoder": BrightnessEncoder()}
    nets = Nets(modules, {name: {} for name in modules}, {}, train=False)
    batch = {"label": LABEL.ids, "instance": LABEL.ids}
    return np.asarray(method.generate(nets, batch, jax.random.key(seed), **controls))


def test_a_style_code_reaches_the_generator():
    style = normal(2, STYLE_CHANNELS)
    np.testing.assert_array_equal(generate(method_with(**{"model.use_vae": True}), style=style), style)


def test_a_style_image_gives_the_style_of_its_posterior():
    image = np.stack([np.full((64, 48, 3), 0.5), np.full((64, 48, 3), -0.25)]).astype(np.float32)
    style = generate(method_with(**{"model.use_vae": True}), style_image=image)
    np.testing.assert_allclose(style, np.repeat([[0.5], [-0.25]], STYLE_CHANNELS, axis=1), atol=1e-6)


def test_without_a_style_one_is_drawn_from_the_prior_by_the_key():
    method = method_with(**{"model.use_vae": True})
    first = generate(method)
    np.testing.assert_array_equal(first, generate(method))
    assert np.abs(first - generate(method, seed=1)).max() > 0.1
    assert np.abs(first[0] - first[1]).max() > 0.1
    assert abs(first.mean()) < 0.2
    assert abs(first.std() - 1) < 0.2


def test_a_style_for_a_model_without_an_encoder_is_an_error():
    assert not generate(method_with()).any()
    for control in ({"style": normal(2, 256)}, {"style_image": normal(2, 8, 8, 3)}):
        with pytest.raises(UserError, match=r"no style encoder: train it with --config\.model\.use_vae=True"):
            generate(method_with(), **control)


def test_two_styles_are_an_error():
    with pytest.raises(UserError, match="style and style_image"):
        generate(method_with(**{"model.use_vae": True}), style=normal(2, 256), style_image=normal(2, 8, 8, 3))


@pytest.mark.parametrize(("upsampling", "start"), [("normal", (2, 4)), ("more", (1, 2)), ("most", (1, 1))])
def test_every_depth_ends_at_the_size_of_the_config(upsampling, start):
    height, width = (start[i] * 2 ** {"normal": 5, "more": 6, "most": 7}[upsampling] for i in (0, 1))
    label = LabelMap(jax.ShapeDtypeStruct((1, height, width), jnp.int32), None, CLASSES)
    network = method_with(
        **{"model.generator.upsampling": upsampling, "data.height": height, "data.width": width}
    ).networks()["generator"]
    image, _ = jax.eval_shape(network.init_with_output, jax.random.key(0), label)
    assert image.shape == (1, height, width, 3)
    assert network.start == start


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data.height": 48}, "data.height x data.width = 48x32 must be multiples of 32"),
        ({"model.generator.upsampling": "more"}, "32x32 must be multiples of 64"),
        ({"model.generator.upsampling": "less"}, "'less'; choose normal, more, most"),
        ({"model.architecture": "unet"}, "'unet' is not known; choose spade or pix2pixhd"),
        ({"model.init": "glorot"}, "model.init = 'glorot'"),
    ],
)
def test_a_config_that_makes_no_network_is_an_error(options, message):
    with pytest.raises(UserError, match=message):
        method_with(**options).networks()


def test_the_perceptual_loss_without_weights_says_how_to_train_without():
    with pytest.raises(UserError, match=r"loss\.vgg_weights is not set.*--config\.loss\.weights\.perceptual=0"):
        load_frozen(method_with(**{"loss.weights.perceptual": 10.0}))
    assert not method_with(**{"loss.weights.perceptual": 0.0}).frozen()


def terms_of(method):
    """The terms' names of each phase; nothing is computed."""
    batch = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), blank_batch(method.config))

    def names(batch):
        nets = InitializingNets(method.networks(), jax.random.key(0), {})
        terms = {phase.name: phase.loss(nets, batch, jax.random.key(0))[1] for phase in method.phases()}
        return {name: list(of_phase) for name, of_phase in terms.items()}

    found = {}
    jax.eval_shape(lambda batch: found.update(names(batch)), batch)
    return found


def test_the_terms_are_those_of_the_config():
    assert terms_of(baseline_with()) == {
        "generator": ["adversarial", "feature_matching"],
        "discriminator": ["real", "fake"],
    }
    assert terms_of(baseline_with(**{"loss.weights.feature_matching": 0.0}))["generator"] == ["adversarial"]


def test_an_encoder_adds_the_divergence_of_its_posterior():
    assert "kl" in terms_of(method_with(**{"model.use_vae": True}))["generator"]


def test_the_phases_train_generator_with_encoder_then_the_discriminator():
    method = method_with(**{"model.use_vae": True, "optimizer.discriminator_steps": 3})
    generator, discriminator = method.phases()
    assert generator.trains == ("generator", "encoder")
    assert generator.every == 3
    assert discriminator.trains == ("discriminator",)
    assert discriminator.every == 1
    assert set(method.networks()) == {"generator", "encoder", "discriminator"}


def test_the_label_map_has_the_unknown_class_and_the_edges_that_the_config_asks_for():
    batch = {"label": LABEL.ids, "instance": LABEL.ids}
    plain = method_with(**{"data.use_instance": False}).label_map(batch)
    assert (plain.num_classes, plain.channels) == (12, 12)
    config = spade_config()
    config.data.unknown_label = 255
    full = Spade(config).label_map(batch)
    assert (full.num_classes, full.channels) == (13, 14)
    assert full.extra.any()


def test_bfloat16_computes_in_bfloat16_and_keeps_parameters_and_statistics_in_float32():
    config = spade_config()
    config.compute_dtype, config.model.use_vae = "bfloat16", True
    method = Spade(config)
    batch = blank_batch(config)
    state = jax.eval_shape(partial(initial_state, method, config, {}), batch)
    assert {leaf.dtype for leaf in jax.tree.leaves(state.params)} == {jnp.dtype("float32")}
    assert {leaf.dtype for leaf in jax.tree.leaves(state.states)} <= {jnp.dtype("float32"), jnp.dtype("int32")}

    def losses(params, states):
        nets = Nets(method.networks(), params, states, train=True)
        return method.generator_loss(nets, batch, jax.random.key(0))[0], nets.states

    program = str(jax.make_jaxpr(losses)(state.params, state.states))
    convolutions = [line for line in program.splitlines() if "= conv_general_dilated[" in line]
    assert convolutions
    assert all(":bf16[" in line for line in convolutions)
    loss, states = jax.eval_shape(losses, state.params, state.states)
    assert loss.dtype == jnp.float32
    assert jax.tree.map(lambda leaf: leaf.dtype, states) == jax.tree.map(lambda leaf: leaf.dtype, state.states)


def test_rematerialisation_holds_every_block_and_changes_no_name():
    options = {"start": (1, 1), "width": 2, "hidden": 2}

    def program(network):
        variables = jax.eval_shape(network.init, jax.random.key(0), LABEL)
        return variables, str(jax.make_jaxpr(lambda v: network.apply(v, LABEL))(variables))

    (variables, plain), (same, remat) = program(Generator(**options)), program(Generator(**options, remat=True))
    assert same == variables
    assert len(re.findall(r"= remat\w*\[", plain)) == 0
    assert len(re.findall(r"= remat\w*\[", remat)) == 7


def test_a_rematerialised_block_gives_the_same_output_gradient_and_state():
    x = normal(2, 8, 8, 3)
    variables = jax.eval_shape(SpadeBlock(4, NORM).init, jax.random.key(0), x, LABEL)
    variables = filled(variables)

    def run(block):
        def loss(params):
            y, state = block.apply({**variables, "params": params}, x, LABEL, mutable=["batch_stats", "spectral"])
            return jnp.square(y).sum(), state

        return jax.jit(jax.value_and_grad(loss, has_aux=True))(variables["params"])

    plain, remat = run(SpadeBlock(4, NORM)), run(nn.remat(SpadeBlock)(4, NORM))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), plain, remat)


def test_a_style_changes_the_image():
    network = method_with(**{"model.use_vae": True}).networks()["generator"]
    styles = [normal(1, STYLE_CHANNELS, seed=seed) for seed in (0, 1)]
    label = jax.tree.map(lambda ids: ids[:1], LABEL)
    variables = filled(jax.eval_shape(network.init, jax.random.key(0), label, styles[0]))
    variables["batch_stats"] = jax.tree.map(np.abs, variables["batch_stats"])  # variances are positive
    generated = jax.jit(partial(network.apply, variables, label))
    first, second = (np.asarray(generated(style)) for style in styles)
    assert first.shape == (1, SIZE, SIZE, 3)
    assert np.abs(first - second).max() > 1e-2

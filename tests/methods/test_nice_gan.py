"""NICE-GAN as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.nice_gan import SETS, get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import Nets
from jaxsyn.methods.nice_gan import NiceGan
from jaxsyn.networks.nice_discriminator import Judgement, NiceDiscriminator
from jaxsyn.training.state import initial_state
from jaxsyn.training.step import train_step
from tests.arrays import normal

BATCH = {"source": normal(1, 8, 8, 3), "image": normal(1, 8, 8, 3, seed=1)}


def method_with(**options):
    config = get_config()
    config.batch_size = 1
    config.model.generator.update(width=2, num_blocks=1)
    config.model.discriminator.update(width=2)
    config.update_from_flattened_dict(options)
    return NiceGan(config)


class Generator:
    """Adds a number to a code, which here is an image."""

    def __init__(self, number):
        self.number = number

    def apply(self, variables, code, **options):
        return code + variables["params"]["weight"] * self.number, {}


class Discriminator:
    """Multiplies an image by two for its code; its logits are means of the image."""

    def apply(self, variables, image, method=None, **options):
        code = 2 * variables["params"]["weight"] * image
        mean = code.mean()[None]
        judgement = Judgement({"global": mean, "local": mean + 1, "cam": mean + 2}, code)
        return (code if method == "encode" else judgement), {}


MODULES = {
    "generator": Generator(1.0),
    "source_generator": Generator(3.0),
    "discriminator": Discriminator(),
    "source_discriminator": Discriminator(),
}
PARAMS = {name: {"weight": jnp.ones(())} for name in MODULES}


def nets_with(params=PARAMS):
    return Nets(MODULES, params, {}, train=False)


def test_encoders_move_in_the_phase_of_the_discriminators_and_generators_in_their_own():
    judges, generators = method_with().phases()
    assert judges.trains == ("source_discriminator", "discriminator")
    assert generators.trains == ("source_generator", "generator")


def test_the_discriminators_objective_leaves_generators_without_a_gradient():
    method = method_with()
    loss = lambda params: method.discriminator_loss(nets_with(params), BATCH, jax.random.key(0))[0]  # noqa: E731
    gradients = jax.grad(loss)(PARAMS)
    assert gradients["generator"]["weight"] == gradients["source_generator"]["weight"] == 0
    assert gradients["discriminator"]["weight"] != 0


def test_cycles_pass_through_the_codes_of_generated_images_and_reconstructions_through_their_own():
    weights = {"adversarial": 2.0, "cycle": 5.0, "reconstruction": 7.0}
    method = method_with(**{f"loss.weights.{name}": weight for name, weight in weights.items()})
    loss, terms = method.generator_loss(nets_with(), BATCH, jax.random.key(0))
    source, image = BATCH["source"], BATCH["image"]
    expected = {
        "cycle_source": abs(2 * (2 * source + 1) + 3 - source).mean(),
        "cycle_image": abs(2 * (2 * image + 3) + 1 - image).mean(),
        "reconstruction_source": abs(source + 3).mean(),
        "reconstruction_image": abs(image + 1).mean(),
        "global_image": (2 * (2 * source + 1).mean() - 1) ** 2,
        "cam_source": (2 * (2 * image + 3).mean() + 2 - 1) ** 2,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-5)
    heads = sum(terms[f"{head}_{domain}"] for head in ("global", "local", "cam") for domain in ("source", "image"))
    rest = 5 * (terms["cycle_source"] + terms["cycle_image"])
    rest += 7 * (terms["reconstruction_source"] + terms["reconstruction_image"])
    np.testing.assert_allclose(loss, 2 * heads + rest, rtol=1e-5)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("forward", 2 * BATCH["source"] + 1),
        ("backward", 2 * BATCH["image"] + 3),
        ("cycle", 2 * (2 * BATCH["source"] + 1) + 3),
        ("source", 2 * BATCH["source"] + 3),
        ("image", 2 * BATCH["image"] + 1),
    ],
)
def test_codes_of_either_domain_are_decoded_in_the_domain_asked_for(way, expected):
    np.testing.assert_allclose(method_with().generate(nets_with(), BATCH, jax.random.key(0), way=way), expected)


def test_the_heatmap_sums_the_channels_of_a_code():
    found = method_with().heatmap(nets_with(), BATCH, "image")
    np.testing.assert_allclose(found, 2 * BATCH["image"].sum(-1), rtol=1e-5, atol=1e-5)


def test_what_cannot_be_generated_is_an_error():
    with pytest.raises(UserError, match="way = 'sideways': choose one of forward, backward, source, image, cycle"):
        method_with().generate(nets_with(), BATCH, jax.random.key(0), way="sideways")
    full = method_with(**{"model.generator.light": False})
    with pytest.raises(UserError, match=r"images of 8x8: the full model is of one size.* 64x64"):
        full.generate(nets_with(), BATCH, jax.random.key(0))


def test_a_discriminator_says_how_large_its_images_must_be_but_encodes_smaller_ones():
    network, image = NiceDiscriminator(width=2, num_layers=7), jnp.zeros((1, 96, 96, 3))
    variables = jax.eval_shape(network.init, jax.random.key(0), image)
    small = image[:, :64, :64]
    with pytest.raises(UserError, match="images of 64x64: a discriminator of 7 layers needs 96 pixels"):
        jax.eval_shape(network.apply, variables, small)
    code = jax.eval_shape(lambda v, x: network.apply(v, x, method="encode"), variables, small)
    assert code.shape == (1, 16, 16, 4)


def test_a_step_keeps_the_shapes_of_the_state():
    method = method_with()
    batch = blank_batch(method.config)
    state = jax.eval_shape(lambda: initial_state(method, method.config, {}, batch))
    after, terms = jax.eval_shape(lambda state: train_step(method, method.config, state, {}, batch), state)
    assert jax.tree.map(lambda x: x.shape, after) == jax.tree.map(lambda x: x.shape, state)
    assert {"discriminator/cam_image", "generator/cycle_source", "generator/reconstruction_image"} <= set(terms)


@pytest.mark.parametrize("preset", SETS)
def test_presets_of_the_paper_are_the_full_version_with_rates_that_end_at_zero(preset):
    config = get_config(preset)
    assert not config.model.generator.light
    assert config.data.pairing == "unpaired"
    assert config.optimizer.decay_start + config.optimizer.decay_steps == config.num_steps - 1

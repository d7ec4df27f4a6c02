"""OASIS as a method; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from configs.oasis import get_config
from jaxsyn.data import blank_batch
from jaxsyn.errors import UserError
from jaxsyn.methods import InitializingNets, Nets
from jaxsyn.methods.oasis import Oasis
from tests.arrays import integers, normal

SIZE, DEPTH, CLASSES = 64, 3, 12
IDS = integers(0, CLASSES, 2, SIZE, SIZE)


def method_with(**options):
    config = get_config()
    config.batch_size = 2
    config.model.noise_channels = DEPTH
    config.model.generator.update(width=1, hidden=2)
    config.model.discriminator.update(widths=(2, 2, 2, 2, 2, 2), last_width=2)
    config.update_from_flattened_dict(options)
    return Oasis(config)


class EchoGenerator(nn.Module):
    """Its image tells the label map and the noise it got."""

    def __call__(self, label):
        return label.dense()


def generate(method, seed=0, **controls):
    """Noise [B, H, W, D] and ids [B, H, W] that reach the generator."""
    nets = Nets({"generator": EchoGenerator()}, {"generator": {}}, {}, train=False)
    run = jax.jit(lambda controls: method.generate(nets, {"label": jnp.asarray(IDS)}, jax.random.key(seed), **controls))
    dense = np.asarray(run(controls))
    return dense[..., :DEPTH], dense[..., DEPTH:].argmax(-1)


def test_without_noise_given_every_image_gets_a_vector_by_the_key():
    noise, ids = generate(method_with())
    np.testing.assert_array_equal(ids, IDS)
    np.testing.assert_array_equal(noise, np.broadcast_to(noise[:, :1, :1], noise.shape))
    assert np.abs(noise[0] - noise[1]).max() > 0.1
    np.testing.assert_array_equal(noise, generate(method_with())[0])
    assert np.abs(noise - generate(method_with(), seed=1)[0]).max() > 0.1


@pytest.mark.parametrize("kind", ["class", "pixel"])
def test_training_may_draw_a_tensor(kind):
    noise, _ = generate(method_with(**{"model.noise": kind}))
    vectors = np.unique(noise[0].reshape(-1, DEPTH), axis=0)
    assert len(vectors) == {"class": CLASSES, "pixel": SIZE * SIZE}[kind]
    assert abs(noise.std() - 1) < 0.3


def test_noise_of_images_of_classes_and_of_pixels_reaches_the_generator():
    image, classes, pixels = normal(2, DEPTH), normal(2, CLASSES, DEPTH), normal(2, SIZE, SIZE, DEPTH)
    np.testing.assert_array_equal(generate(method_with(), noise=image)[0][1, 5, 7], image[1])
    by_class, _ = generate(method_with(), noise=classes)
    np.testing.assert_array_equal(by_class[0, 3, 4], classes[0, IDS[0, 3, 4]])
    np.testing.assert_array_equal(by_class[1, 3, 4], classes[1, IDS[1, 3, 4]])
    np.testing.assert_array_equal(generate(method_with(), noise=pixels)[0], pixels)


@pytest.mark.parametrize("shape", [(2, DEPTH), (2, CLASSES, DEPTH)], ids=["images", "classes"])
def test_a_region_is_drawn_anew_and_the_rest_keeps_its_noise(shape):
    noise, region = normal(*shape), IDS == 4
    before, _ = generate(method_with(), noise=noise)
    after, _ = generate(method_with(), noise=noise, region=region)
    np.testing.assert_array_equal(after[~region], before[~region])
    assert np.abs(after[region] - before[region]).min(0).max() > 0
    given = normal(2, DEPTH, seed=3)
    chosen, _ = generate(method_with(), noise=noise, region=region, region_noise=given)
    np.testing.assert_array_equal(chosen[1][region[1]], np.broadcast_to(given[1], (region[1].sum(), DEPTH)))
    np.testing.assert_array_equal(chosen[~region], before[~region])


@pytest.mark.parametrize(
    ("options", "controls", "message"),
    [
        ({}, {"noise": normal(2, DEPTH + 1)}, r"noise has shape \(2, 4\): give one of \(2, 3\), \(2, 12, 3\)"),
        ({}, {"region_noise": normal(2, DEPTH)}, "region_noise is given without region"),
        ({}, {"region": IDS[:, :5] == 1}, r"region has shape \(2, 5, 64\)"),
        ({"model.noise_channels": 0}, {"noise": normal(2, DEPTH)}, "takes no noise: train it with"),
        ({"model.noise_channels": 0}, {"region": IDS == 1}, "takes no noise: train it with"),
        ({"model.noise": "region"}, {}, "'region' is not known; choose one of image, class, pixel"),
    ],
)
def test_controls_that_do_not_fit_are_errors(options, controls, message):
    with pytest.raises(UserError, match=message):
        generate(method_with(**options), **controls)


def test_the_unknown_class_comes_first_where_asked():
    options = {"data.unknown_label": 255, "model.unknown_first": True}
    ids = jnp.asarray([[[0, 11, 12]]])
    np.testing.assert_array_equal(method_with(**options).labels({"label": ids}), [[[1, 12, 0]]])
    np.testing.assert_array_equal(method_with().labels({"label": ids}), ids)


@pytest.mark.parametrize(
    ("size", "part", "message"),
    [
        (48, "generator", "48x48 must be multiples of 32, by which the generator"),
        (96, "networks", "96x96 must be multiples of 64, by which model.discriminator.widths"),
    ],
)
def test_a_size_that_the_networks_do_not_reach_is_an_error(size, part, message):
    with pytest.raises(UserError, match=message):
        getattr(method_with(**{"data.height": size, "data.width": size}), part)()


def traced(method):
    """Terms of each phase, the state of each network's vectors before and after; nothing is computed."""
    batch = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), blank_batch(method.config))
    calls = []

    class Counting(InitializingNets):
        def _call(self, name, *args, **options):
            calls.append(name)
            return super()._call(name, *args, **options)

    found = {}

    def losses(batch):
        for phase in method.phases():
            nets = Counting(method.networks(), jax.random.key(0), {"vgg": {}})
            calls.clear()
            terms = phase.loss(nets, batch, jax.random.key(0))[1]
            found[phase.name] = list(terms), list(calls)

    jax.eval_shape(losses, batch)
    return found


def test_the_discriminator_sees_fake_real_and_mixed_images_in_this_order_and_one_fake_in_the_generators_phase():
    found = traced(method_with())
    assert found["generator"] == (["adversarial"], ["generator", "discriminator"])
    assert found["discriminator"] == (["fake", "real", "labelmix"], ["generator", *["discriminator"] * 3])


def test_without_labelmix_no_image_is_mixed():
    found = traced(method_with(**{"loss.weights.labelmix": 0.0}))
    assert found["discriminator"] == (["fake", "real"], ["generator", *["discriminator"] * 2])


def test_the_perceptual_loss_is_optional():
    assert not method_with().frozen()
    assert set(method_with(**{"loss.weights.perceptual": 10.0}).frozen()) == {"vgg"}


@pytest.mark.parametrize("preset", ["cityscapes", "ade20k", "ade20k_outdoor", "coco_stuff", "custom"])
def test_every_preset_has_networks_and_ignores_its_unknown_class(preset):
    config = get_config(preset)
    method = Oasis(config)
    assert set(method.networks()) == {"generator", "discriminator"}
    assert config.loss.dont_care
    unknown = jnp.full(
        (1, 1, 1), 0 if preset in ("cityscapes", "ade20k", "ade20k_outdoor") else config.data.num_classes
    )
    assert int(method.labels({"label": unknown})[0, 0, 0]) == 0

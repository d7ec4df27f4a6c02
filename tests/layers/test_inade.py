"""Instance-adaptive denormalisation by its equations."""

import jax
import numpy as np
import pytest
from flax import linen as nn

from jaxsyn.layers import INADE, InstanceLayout, InstanceNorm, LabelMap, instance_edges, paint_instances
from tests.arrays import filled, integers, normal

CLASSES, INSTANCES, CHANNELS = 4, 5, 3
IDS, NUMBERS = integers(0, CLASSES, 2, 16, 16, seed=1), integers(0, INSTANCES, 2, 16, 16, seed=2)
X, NOISE = normal(2, 8, 8, CHANNELS), normal(2, INSTANCES, 2, 6, seed=3)
LAYOUT = InstanceLayout(LabelMap(IDS, None, CLASSES), NUMBERS, NOISE)


@pytest.fixture(scope="module")
def layer():
    return INADE("instance")


@pytest.fixture(scope="module")
def variables(layer):
    return filled(jax.eval_shape(layer.init, jax.random.key(0), X, LAYOUT))


@pytest.fixture(scope="module")
def apply(layer, variables):
    return jax.jit(lambda layout: layer.apply(variables, X, layout))


def test_scale_and_shift_are_affine_in_the_noise_of_the_pixel_s_instance(apply, variables):
    params = variables["params"]
    noise = NOISE @ params["fc_noise"]["kernel"] + params["fc_noise"]["bias"]
    ids, numbers = IDS[:, ::2, ::2], NUMBERS[:, ::2, ::2]
    painted = np.stack([noise[b][numbers[b]] for b in range(2)])  # [B, H, W, 2, C]
    slope, offset = params["weight"][ids], params["bias"][ids]  # [B, H, W, C, 2]
    scale = slope[..., 0] * painted[..., 0, :] + offset[..., 0]
    shift = slope[..., 1] * painted[..., 1, :] + offset[..., 1]
    normalized, _ = InstanceNorm().init_with_output(jax.random.key(0), X)
    np.testing.assert_allclose(apply(LAYOUT), normalized * scale + shift, atol=1e-5)


def test_the_noise_of_an_instance_changes_its_pixels_alone(apply):
    changed = LAYOUT.replace(noise=NOISE + np.eye(INSTANCES, dtype=np.float32)[2][None, :, None, None])
    difference = np.abs(apply(LAYOUT) - apply(changed)).max(-1)
    np.testing.assert_array_equal(difference > 0, NUMBERS[:, ::2, ::2] == 2)


def test_edges_beside_the_labels_change_nothing(apply):
    edges = instance_edges(NUMBERS)
    np.testing.assert_array_equal(apply(LAYOUT), apply(LAYOUT.replace(label=LAYOUT.label.replace(extra=edges))))


def test_a_pixel_outside_the_instances_is_painted_zero():
    painted = paint_instances(np.full((1, 2, 2), INSTANCES), normal(1, INSTANCES, 4))
    assert not np.asarray(painted).any()


def test_a_sketch_is_merged_with_the_modulated_features(layer, variables, apply):
    sketch = normal(2, 16, 16, 1, seed=5)
    layout = LAYOUT.replace(sketch=sketch)
    merging = INADE("instance", sketch=True)
    shapes = jax.eval_shape(merging.init, jax.random.key(0), X, layout)["params"]
    params = {**filled(shapes, seed=1), **variables["params"]}
    lines = nn.Conv(CHANNELS, (3, 3)).apply({"params": params["sketch_conv"]}, sketch[:, ::2, ::2])
    expected = np.concatenate([apply(LAYOUT), lines], -1) @ params["merge_conv"]["kernel"][0, 0]
    np.testing.assert_allclose(jax.jit(merging.apply)({"params": params}, X, layout), expected, atol=1e-5)

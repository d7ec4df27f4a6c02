"""Semantic region-adaptive normalisation by its equations; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import ACE, LabelMap, StyledLabel
from tests.arrays import filled, integers, normal

CLASSES, CHANNELS, LENGTH = 3, 4, 5
IDS = integers(0, CLASSES, 2, 16, 16, seed=1)
X = normal(2, 8, 8, CHANNELS)
CODES = normal(2, CLASSES, LENGTH, seed=2)
NOISE = {"ace": normal(2, 8, 8, 1, seed=3)}


def layout(codes=CODES, noise=NOISE, ids=IDS):
    return StyledLabel(LabelMap(ids, None, CLASSES), jnp.asarray(codes), noise)


@pytest.fixture(scope="module")
def variables():
    shapes = jax.eval_shape(ACE(hidden=6, name="ace").init, jax.random.key(0), X, layout())
    variables = filled(shapes, scale=0.5)
    variables["batch_stats"] = jax.tree.map(lambda x: abs(x) + 1, variables["batch_stats"])
    return variables


def changed(variables, **params):
    return {**variables, "params": {**variables["params"], **params}}


def apply(variables, layout, **options):
    layer = ACE(hidden=6, name="ace")
    return np.asarray(jax.jit(lambda v, x, s: layer.apply(v, x, s, **options))(variables, X, layout))


def test_a_blend_of_zero_leaves_spade_and_of_one_the_codes(variables):
    other = CODES + 1
    spade = changed(variables, blending_gamma=np.float32([-40]), blending_beta=np.float32([-40]))
    np.testing.assert_allclose(apply(spade, layout()), apply(spade, layout(other)), atol=1e-5)
    style = changed(variables, blending_gamma=np.float32([40]), blending_beta=np.float32([40]))
    assert np.abs(apply(style, layout()) - apply(style, layout(other))).max() > 0.1
    mlp = jax.tree.map(lambda leaf: leaf + 1, variables["params"]["Spade"])
    np.testing.assert_allclose(apply(style, layout()), apply(changed(style, Spade=mlp), layout()), atol=1e-4)


def test_the_code_of_a_class_acts_where_its_pixels_are_and_next_to_them(variables):
    ids = np.zeros((2, 16, 16), np.int32)
    ids[:, :, 10:] = 1
    codes = CODES.copy()
    codes[:, 1] += 1
    change = np.abs(apply(variables, layout(ids=ids)) - apply(variables, layout(codes, ids=ids))).max((0, 1, 3))
    assert (change[4:] > 1e-3).all()
    assert change[:4].max() == 0


def test_noise_is_added_where_images_are_made_too_and_drawn_where_not_given(variables):
    drawn = [apply(variables, layout(noise={}), rngs={"noise": jax.random.key(seed)}) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.abs(drawn[0] - drawn[2]).max() > 0.01
    still = changed(variables, noise_var=np.zeros(CHANNELS, np.float32))
    np.testing.assert_array_equal(apply(still, layout()), apply(still, layout(noise={"ace": 2 * NOISE["ace"]})))


def test_the_unstyled_layer_reads_no_codes_but_keeps_the_blends_of_the_authors_files():
    layer = ACE(styled=False, hidden=6)
    shapes = jax.eval_shape(layer.init, jax.random.key(0), X, layout())
    assert set(shapes["params"]) == {"Spade", "blending_beta", "blending_gamma", "noise_var"}


def test_training_leaves_the_statistics_of_the_unused_norm_as_they_are(variables):
    layer = ACE(hidden=6, name="ace")
    _, updated = jax.jit(lambda v: layer.apply(v, X, layout(), mutable=["batch_stats"]))(variables)
    unused, used = ("Spade", "param_free_norm"), ("param_free_norm",)
    before, after = variables["batch_stats"], updated["batch_stats"]
    np.testing.assert_array_equal(after[unused[0]][unused[1]]["mean"], before[unused[0]][unused[1]]["mean"])
    assert not np.array_equal(after[used[0]]["mean"], before[used[0]]["mean"])


def test_new_layers_add_no_noise_and_blend_half_and_half():
    params = jax.jit(ACE(hidden=2).init)(jax.random.key(0), X, layout())["params"]
    assert not np.any(params["noise_var"])
    assert not np.any(params["blending_gamma"])
    assert not np.any(params["blending_beta"])

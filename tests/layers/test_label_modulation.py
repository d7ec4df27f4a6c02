"""Label maps convolved for their distinct neighbourhoods alone: what the convolution of the whole map gives."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from jaxsyn.errors import UserError
from jaxsyn.layers import SPADE, LabelMap, convolve_labels_twice, instance_edges, with_neighbourhoods
from tests.arrays import integers, normal

CLASSES, HIDDEN, FEATURES = 5, 6, 4
find = jax.jit(with_neighbourhoods, static_argnums=1)


def regions(*, low=0, high=CLASSES, size=(2, 48, 64), cell=8):
    """Ids [B, H, W] in squares of one class."""
    batch, height, width = size
    coarse = integers(low, high, batch, height // cell, width // cell)
    return jnp.asarray(coarse.repeat(cell, 1).repeat(cell, 2))


def label_map(kind):
    ids = regions(low=-1, high=CLASSES + 1)
    edges = instance_edges(regions(high=3, cell=16)) > 0
    match kind:
        case "ids":
            return LabelMap(ids, None, CLASSES)
        case "edges":
            return LabelMap(ids, edges, CLASSES)
        case "noise":
            return LabelMap(regions(cell=16), edges, CLASSES, jnp.asarray(normal(2, 3, seed=5)))


def value_and_gradients(label, weights):
    weighing = normal(*label.ids.shape, FEATURES, seed=7)

    @jax.jit
    def run(weights, noise):
        def loss(weights, noise):
            y = convolve_labels_twice(label.replace(noise=noise), *weights)
            return (weighing * y).sum(), y

        return jax.grad(loss, argnums=(0,) if noise is None else (0, 1), has_aux=True)(weights, noise)

    return run(weights, label.noise)


def weights_for(label):
    shapes = [(3, 3, label.channels, HIDDEN), (HIDDEN,), (3, 3, HIDDEN, FEATURES)]
    return [jnp.asarray(normal(*shape, seed=seed)) for seed, shape in enumerate(shapes)]


def assert_alike(ours, theirs):
    def leaf(ours, theirs):
        np.testing.assert_allclose(ours, theirs, atol=1e-5 * max(1, float(jnp.abs(theirs).max())))

    jax.tree.map(leaf, ours, theirs)


@pytest.mark.parametrize("kind", ["ids", "edges", "noise"])
def test_the_distinct_neighbourhoods_give_the_whole_maps_result_and_gradients(kind):
    label = label_map(kind)
    found = find(label, "sparse")
    assert found.neighbourhoods.fits
    assert int(found.neighbourhoods.large_count) < label.ids.size // 2
    weights = weights_for(label)
    assert_alike(value_and_gradients(found, weights), value_and_gradients(label, weights))


def test_a_map_with_too_many_neighbourhoods_is_convolved_whole_with_the_same_result():
    label = LabelMap(jnp.asarray(integers(0, CLASSES, 1, 64, 64)), None, CLASSES)
    found = find(label, "sparse")
    assert not found.neighbourhoods.fits
    weights = weights_for(label)
    assert_alike(value_and_gradients(found, weights), value_and_gradients(label, weights))


def test_in_bfloat16_sums_are_made_in_float32():
    label = label_map("edges")
    weights = weights_for(label)
    convolve = jax.jit(convolve_labels_twice)
    exact = convolve(label, *weights)
    ours = convolve(find(label, "sparse"), *(weight.astype(jnp.bfloat16) for weight in weights))
    assert ours.dtype == jnp.bfloat16
    np.testing.assert_allclose(ours.astype(jnp.float32), exact, atol=0.03 * float(jnp.abs(exact).max()))


def test_the_layer_has_the_same_parameters_and_result_either_way():
    label, x = label_map("edges"), normal(2, 48, 64, FEATURES, seed=3)
    layer = SPADE("instance", hidden=HIDDEN)
    run = jax.jit(partial(layer.init_with_output, jax.random.key(0)))
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), run(x, find(label, "sparse")), run(x, label))


def test_maps_that_gain_nothing_are_left_as_they_are():
    soft = LabelMap(normal(2, 48, 64, CLASSES), None, CLASSES)
    real = LabelMap(regions(), normal(2, 48, 64, 1), CLASSES)
    varied = LabelMap(regions(), None, CLASSES, normal(2, 48, 64, 3))
    for label in (soft, real, varied):
        assert with_neighbourhoods(label, "sparse").neighbourhoods is None
    large = LabelMap(jnp.zeros((2, 64, 64), jnp.int32), None, CLASSES)
    assert with_neighbourhoods(large.resize(32, 64)).neighbourhoods is None
    assert with_neighbourhoods(large, hidden=64).neighbourhoods is None
    assert jax.eval_shape(with_neighbourhoods, large).neighbourhoods is not None
    assert with_neighbourhoods(LabelMap(regions(), None, CLASSES), "dense").neighbourhoods is None


def test_resizing_leaves_the_neighbourhoods_of_another_size_behind():
    label = find(LabelMap(regions(), None, CLASSES), "sparse")
    assert label.resize(48, 64).neighbourhoods is label.neighbourhoods
    assert label.resize(24, 32).neighbourhoods is None


def test_an_exported_program_takes_batches_of_any_size():
    (batch,) = export.symbolic_shape("b")
    ids = jax.ShapeDtypeStruct((batch, 64, 128), jnp.int32)
    exported = export.export(jax.jit(lambda ids: with_neighbourhoods(LabelMap(ids, None, CLASSES)).ids))(ids)
    assert exported.call(jnp.zeros((3, 64, 128), jnp.int32)).shape == (3, 64, 128)


def test_an_unknown_modulation_is_an_error():
    with pytest.raises(UserError, match="modulation = 'spares' is not known; choose one of auto, dense, sparse"):
        with_neighbourhoods(label_map("ids"), "spares")

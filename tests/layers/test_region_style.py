"""Style codes of regions: taken, transformed, convolved."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsyn.layers import ClassDense, LabelMap, as_regions, convolve_regions, region_means
from jaxsyn.layers.convolution import convolve
from tests.arrays import integers, normal

CLASSES = 4


def test_a_code_is_the_mean_over_the_pixels_of_its_class():
    features, ids = normal(2, 6, 5, 3), integers(0, CLASSES, 2, 6, 5)
    means = np.asarray(region_means(features, LabelMap(ids, None, CLASSES)))
    for sample in range(2):
        for k in range(CLASSES):
            np.testing.assert_allclose(means[sample, k], features[sample][ids[sample] == k].mean(0), atol=1e-5)


def test_an_absent_class_and_pixels_without_class_give_zero():
    ids = np.full((1, 4, 4), 1, np.int32)
    ids[0, 0] = 255
    means = np.asarray(region_means(np.ones((1, 4, 4, 2), np.float32), LabelMap(ids, None, 3)))
    np.testing.assert_array_equal(means[0], [[0, 0], [1, 1], [0, 0]])


def test_a_larger_label_map_is_resized_to_the_features():
    features, ids = normal(1, 2, 3, 4), integers(0, CLASSES, 1, 4, 6)
    small = LabelMap(ids[:, ::2, ::2], None, CLASSES)
    np.testing.assert_array_equal(region_means(features, LabelMap(ids, None, CLASSES)), region_means(features, small))


def test_an_edge_channel_is_a_region_that_covers_the_classes():
    ids, edges = integers(0, CLASSES, 1, 4, 4), integers(0, 2, 1, 4, 4, 1, seed=1).astype(np.float32)
    label = LabelMap(ids, edges, CLASSES)
    regions = as_regions(label)
    np.testing.assert_array_equal(regions.ids, np.where(edges[..., 0] > 0, CLASSES, ids))
    assert regions.num_classes == CLASSES + 1
    features = normal(1, 4, 4, 2)
    np.testing.assert_allclose(region_means(features, label)[0, -1], features[edges[..., 0] > 0].mean(0), atol=1e-6)


def test_the_convolution_is_that_of_the_painted_map_and_so_are_its_gradients():
    ids, codes, kernel = integers(0, CLASSES + 1, 2, 6, 5), normal(2, CLASSES, 7), normal(3, 3, 7, 4, seed=1)
    weights = normal(2, 6, 5, 4, seed=2)

    def painted(codes, kernel):
        style = jnp.einsum("bhwk,bks->bhws", jax.nn.one_hot(ids, CLASSES), codes)
        y = convolve(style, kernel, padding=1)
        return (y * weights).sum(), y

    def ours(codes, kernel):
        y = convolve_regions(LabelMap(jnp.asarray(ids), None, CLASSES), codes, kernel)
        return (y * weights).sum(), y

    results = [jax.jit(jax.grad(f, argnums=(0, 1), has_aux=True))(codes, kernel) for f in (ours, painted)]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), *results)


def test_the_convolution_never_makes_the_map_of_codes():
    length = 64
    label = LabelMap(jnp.asarray(integers(0, CLASSES, 2, 16, 16)), None, CLASSES)
    program = jax.make_jaxpr(lambda c, k: convolve_regions(label, c, k))(
        normal(2, CLASSES, length), normal(3, 3, length, 2)
    )
    assert f"16,16,{length}]" not in str(program)


def test_each_class_has_a_linear_layer_of_its_own():
    layer, x = ClassDense(5), normal(2, CLASSES, 3)
    variables = layer.init(jax.random.key(0), x)
    params = jax.tree.map(np.asarray, variables["params"])
    assert params["stacked_kernel"].shape == (CLASSES, 3, 5)
    expected = [x[:, k] @ params["stacked_kernel"][k] + params["stacked_bias"][k] for k in range(CLASSES)]
    np.testing.assert_allclose(layer.apply(variables, x), np.stack(expected, axis=1), atol=1e-6)


def test_the_layers_of_the_classes_start_as_single_layers_do():
    layer = ClassDense(200, kernel_init=jax.nn.initializers.variance_scaling(1.0, "fan_avg", "normal"))
    kernel = layer.init(jax.random.key(0), np.zeros((1, 3, 200)))["params"]["stacked_kernel"]
    np.testing.assert_allclose(np.std(kernel, axis=(1, 2)), (1 / 200) ** 0.5, rtol=0.05)
    assert not np.array_equal(kernel[0], kernel[1])

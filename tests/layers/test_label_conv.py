"""A convolution over integer labels is the dense convolution of their one-hot map."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import Conv, LabelConv, LabelMap, label_convolve
from jaxsyn.layers.label_conv import _by_look_ups, _by_products
from tests.arrays import integers, normal

CLASSES, FEATURES = 5, 3
convolve_labels = jax.jit(label_convolve, static_argnames=("stride", "padding", "padding_mode"))


def label_map(*, size=(7, 6), extra=0, soft=False, low=0, high=CLASSES):
    ids = normal(2, *size, CLASSES) if soft else integers(low, high, 2, *size)
    return LabelMap(ids, normal(2, *size, extra, seed=1) if extra else None, CLASSES)


def kernel_of(size, channels):
    return normal(size, size, channels, FEATURES, seed=4)


def dense_convolution(label, kernel, stride, padding, mode):
    """By its definition, as a sum over the window; shares nothing with the layers."""
    x, kernel = np.asarray(label.dense(), np.float64), np.asarray(kernel, np.float64)
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)), mode=mode)
    size = kernel.shape[0]
    height, width = ((length - size) // stride + 1 for length in x.shape[1:3])
    y = np.zeros((len(x), height, width, kernel.shape[-1]))
    for i in range(size):
        for j in range(size):
            part = x[:, i : i + stride * height : stride, j : j + stride * width : stride][:, :height, :width]
            y += part @ kernel[i, j]
    return y


@pytest.mark.parametrize("soft", [False, True], ids=["ids", "soft"])
@pytest.mark.parametrize("extra", [0, 2], ids=["classes", "extras"])
@pytest.mark.parametrize(
    ("size", "stride", "padding", "mode"),
    [(3, 1, 1, "zeros"), (3, 1, 1, "reflect"), (4, 2, 2, "zeros"), (7, 1, 3, "reflect"), (3, 2, 0, "zeros")],
)
def test_it_equals_the_dense_convolution(size, stride, padding, mode, extra, soft):
    label = label_map(extra=extra, soft=soft)
    kernel = kernel_of(size, label.channels)
    y = convolve_labels(label, kernel, stride=stride, padding=padding, padding_mode=mode)
    expected = dense_convolution(label, kernel, stride, padding, {"zeros": "constant"}.get(mode, mode))
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 4), (2, 7, 6, 4)], ids=["vector", "map"])
@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 1), (4, 2, 2)])
def test_noise_before_the_classes_is_convolved_with_them(size, stride, padding, shape):
    label = label_map(extra=2).replace(noise=normal(*shape, seed=5))
    kernel = kernel_of(size, label.channels)
    y = convolve_labels(label, kernel, stride=stride, padding=padding, padding_mode="zeros")
    np.testing.assert_allclose(y, dense_convolution(label, kernel, stride, padding, "constant"), atol=1e-5)


@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 1), (4, 2, 2)])
def test_the_kernels_gradient_is_that_of_the_dense_convolution(size, stride, padding):
    label = label_map(extra=1)
    layer = {"features": FEATURES, "kernel_size": size, "stride": stride, "padding": padding}
    variables = {"params": {"kernel": kernel_of(size, label.channels), "bias": np.ones(FEATURES, np.float32)}}

    def gradient(module, x):
        return jax.jit(jax.grad(lambda variables: jnp.sin(module.apply(variables, x)).sum()))(variables)

    ours, theirs = gradient(LabelConv(**layer), label), gradient(Conv(**layer), label.dense())
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-4), ours, theirs)


def test_ids_outside_the_classes_contribute_nothing_and_receive_no_gradient():
    label = label_map(low=-3, high=CLASSES + 3)
    kernel = kernel_of(3, CLASSES)
    y = convolve_labels(label, kernel, padding=1)
    np.testing.assert_allclose(y, dense_convolution(label, kernel, 1, 1, "constant"), atol=1e-5)
    nowhere = label.replace(ids=np.full_like(label.ids, CLASSES))
    y, vjp = jax.vjp(lambda k: convolve_labels(nowhere, k, padding=1), kernel)
    assert not y.any()
    assert not vjp(y + 1)[0].any()


@pytest.mark.parametrize("stride", [1, 2])
def test_the_form_for_tpus_equals_the_look_ups_and_so_does_its_gradient(stride):
    ids = label_map(size=(9, 8), high=CLASSES + 1).ids
    label, kernel = LabelMap(ids, None, CLASSES), kernel_of(3, CLASSES)

    def value_and_gradient(form):
        def loss(kernel):
            y = form(kernel)
            return jnp.sin(y).sum(), y

        (_, y), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(kernel)
        return y, gradient

    used = value_and_gradient(lambda k: label_convolve(label, k, stride=stride))
    for form in (_by_products, _by_look_ups):
        for ours, theirs in zip(value_and_gradient(partial(form, ids, stride=stride)), used, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_gradients_in_bfloat16_count_every_pixel():
    # 4096 equal numbers: a running sum in bfloat16 stays at 256.
    layer = LabelConv(1, kernel_size=1, dtype=jnp.bfloat16)
    label = LabelMap(jnp.zeros((1, 64, 64), jnp.int32), None, 2)
    variables = jax.jit(layer.init)(jax.random.key(0), label)
    gradient = jax.grad(lambda v: layer.apply(v, label).astype(jnp.float32).sum())(variables)["params"]
    np.testing.assert_array_equal(gradient["kernel"][0, 0], [[4096], [0]])
    np.testing.assert_array_equal(gradient["bias"], [4096])
    assert gradient["kernel"].dtype == jnp.float32


def test_the_layer_has_the_parameters_of_the_dense_convolution():
    label = label_map(extra=2)
    ours = LabelConv(FEATURES, spectral=True).init(jax.random.key(1), label)
    dense = Conv(FEATURES, spectral=True).init(jax.random.key(1), label.dense())
    jax.tree.map(np.testing.assert_array_equal, ours, dense)

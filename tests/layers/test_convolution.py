"""Convolutions have PyTorch's geometry."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.layers import Conv, ConvTranspose, Dense
from jaxsyn.layers.convolution import block_diagonal, convolve, pad_borders
from tests.arrays import normal

X = normal(2, 8, 7, 4, seed=0)


def nchw(x):
    return np.asarray(x).transpose(0, 3, 1, 2).copy()


def test_borders_are_padded_by_zeros_reflection_or_repetition():
    x = jnp.asarray([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1) * jnp.ones((1, 3, 1, 1))
    for mode, row in {"zeros": [0, 1, 2, 3, 0], "reflect": [2, 1, 2, 3, 2], "replicate": [1, 1, 2, 3, 3]}.items():
        np.testing.assert_array_equal(pad_borders(x, 1, mode)[0, 2, :, 0], row)
    assert pad_borders(x, 0) is x


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2])
def test_without_padding_given_an_odd_kernel_keeps_the_size(kernel_size, dilation):
    layer = Conv(3, kernel_size, dilation=dilation)
    assert jax.eval_shape(lambda: layer.init_with_output(jax.random.key(0), X)[0]).shape == (2, 8, 7, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3},
        {"kernel_size": 4, "stride": 2, "padding": 2},
        {"kernel_size": 3, "stride": 2, "padding_mode": "reflect"},
        {"kernel_size": 3, "padding_mode": "replicate", "use_bias": False},
        {"kernel_size": 3, "dilation": 2, "groups": 2},
    ],
    ids=str,
)
def test_a_convolution_equals_torchs(options):
    torch = pytest.importorskip("torch")
    layer = Conv(6, **options)
    params = jax.jit(layer.init)(jax.random.key(1), X)["params"]
    params = {name: leaf + (0.5 if name == "bias" else 0) for name, leaf in params.items()}
    names = {"use_bias": "bias"}
    theirs = torch.nn.Conv2d(4, 6, **{names.get(k, k): v for k, v in options.items()} | {"padding": layer.border})
    theirs.weight.data = torch.from_numpy(np.asarray(params["kernel"]).transpose(3, 2, 0, 1).copy())
    if "bias" in params:
        theirs.bias.data = torch.from_numpy(np.array(params["bias"]))
    expected = theirs(torch.from_numpy(nchw(X))).detach().numpy()
    np.testing.assert_allclose(nchw(layer.apply({"params": params}, X)), expected, atol=1e-5)


def test_groups_are_convolutions_of_their_own_and_so_are_their_gradients():
    x, kernel, weights = normal(2, 5, 6, 6), normal(3, 3, 2, 9, seed=1), normal(2, 5, 6, 9, seed=2)

    def apart(x, kernel):
        pairs = zip(jnp.split(x, 3, axis=-1), jnp.split(kernel, 3, axis=-1), strict=True)
        return (jnp.concatenate([convolve(*pair, padding=1) for pair in pairs], axis=-1) * weights).sum()

    def ours(x, kernel):
        return (convolve(x, kernel, padding=1, groups=3) * weights).sum()

    results = [jax.jit(jax.value_and_grad(f, argnums=(0, 1)))(x, kernel) for f in (ours, apart)]
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-4), *results)


def test_a_block_diagonal_kernel_is_zero_between_groups():
    kernel = normal(3, 3, 2, 9)
    dense = np.asarray(block_diagonal(kernel, 3))
    assert dense.shape == (3, 3, 6, 9)
    np.testing.assert_array_equal(dense[:, :, 2:4, 3:6], kernel[:, :, :, 3:6])
    assert not dense[:, :, :2, 3:].any()


@pytest.mark.parametrize(("kernel_size", "output_padding"), [(3, 1), (4, 0)])
def test_a_transposed_convolution_is_the_adjoint_of_the_convolution(kernel_size, output_padding):
    small = normal(2, 4, 5, 3, seed=2)
    up = ConvTranspose(6, kernel_size, output_padding=output_padding, use_bias=False)
    large, variables = up.init_with_output(jax.random.key(1), small)
    assert large.shape == (2, 8, 10, 6)
    kernel = variables["params"]["transposed_kernel"].swapaxes(2, 3)
    other = normal(*large.shape, seed=3)
    down = Conv(3, kernel_size, stride=2, padding=1, use_bias=False).apply({"params": {"kernel": kernel}}, other)
    np.testing.assert_allclose((large * other).sum(), (small * down).sum(), rtol=1e-4)


def test_a_linear_layer_works_on_the_last_axis():
    variables = {"params": {"kernel": jnp.asarray([[1.0], [10.0]]), "bias": jnp.asarray([0.5])}}
    np.testing.assert_allclose(
        Dense(1).apply(variables, jnp.asarray([[[1.0, 2.0]], [[3.0, 4.0]]])), [[[21.5]], [[43.5]]]
    )


@pytest.mark.parametrize(
    "layer", [Conv(2, 1, dtype=jnp.bfloat16), ConvTranspose(2, dtype=jnp.bfloat16)], ids=["conv", "up"]
)
def test_bfloat16_layers_keep_float32_parameters_and_count_every_pixel_in_their_bias(layer):
    x = jnp.ones((1, 64, 64, 1))
    variables = jax.jit(layer.init)(jax.random.key(0), x)
    y, vjp = jax.vjp(lambda v: layer.apply(v, x), variables)
    (gradient,) = vjp(jnp.ones_like(y))
    assert y.dtype == jnp.bfloat16
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves((variables, gradient)))
    np.testing.assert_array_equal(gradient["params"]["bias"], y.shape[1] * y.shape[2])

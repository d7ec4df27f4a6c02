"""Batch, instance and group normalisation with PyTorch's statistics."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.layers import BatchNorm, GroupNorm, InstanceNorm, normalization
from tests.arrays import normal


@pytest.fixture
def x():
    return 3 + 2 * normal(2, 5, 3, 4, seed=0)


def moments(x, axes):
    x = np.asarray(x, np.float64)
    return x.mean(axes, keepdims=True), x.var(axes, keepdims=True)


def test_in_training_mode_the_batchs_own_statistics_normalise(x):
    norm = BatchNorm()
    y, _ = norm.apply(jax.jit(norm.init)(jax.random.key(0), x), x, mutable=["batch_stats"])
    mean, variance = moments(x, (0, 1, 2))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(variance + 1e-5), atol=1e-5)


def test_running_statistics_move_a_tenth_of_the_way_to_mean_and_unbiased_variance(x):
    norm = BatchNorm()
    variables = jax.jit(norm.init)(jax.random.key(0), x)
    np.testing.assert_array_equal(variables["batch_stats"]["mean"], 0)
    np.testing.assert_array_equal(variables["batch_stats"]["var"], 1)
    mean, _ = moments(x, (0, 1, 2))
    unbiased = np.asarray(x, np.float64).var((0, 1, 2), ddof=1)
    for count, share in ((1, 0.1), (2, 0.19)):
        _, variables = norm.apply(variables, x, mutable=["batch_stats"])
        stats = variables["batch_stats"]
        np.testing.assert_allclose(stats["mean"], share * mean.ravel(), rtol=1e-5)
        np.testing.assert_allclose(stats["var"], 1 - share + share * unbiased, rtol=1e-5)
        assert stats["count"] == count


def test_in_evaluation_mode_the_running_statistics_normalise(x):
    stats = {"mean": jnp.arange(4.0), "var": jnp.asarray([1.0, 4.0, 9.0, 16.0]), "count": jnp.int32(7)}
    y = BatchNorm().apply({"batch_stats": stats}, x)
    np.testing.assert_allclose(y, (x - stats["mean"]) / np.sqrt(stats["var"] + 1e-5), atol=1e-5)


def test_no_gradient_passes_into_running_statistics(x):
    norm = BatchNorm()
    variables = jax.jit(norm.init)(jax.random.key(0), x)

    def running(x):
        stats = norm.apply(variables, x, mutable=["batch_stats"])[1]["batch_stats"]
        return stats["mean"].sum() + stats["var"].sum()

    assert not jax.grad(running)(x).any()


def test_a_single_value_a_channel_keeps_statistics_finite():
    norm = BatchNorm()
    x = jnp.ones((1, 1, 1, 2))
    y, variables = norm.apply(jax.jit(norm.init)(jax.random.key(0), x), x, mutable=["batch_stats"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((y, variables)))


def test_instance_norm_takes_each_samples_statistics_and_holds_no_state(x):
    norm = InstanceNorm()
    assert not jax.jit(norm.init)(jax.random.key(0), x)
    mean, variance = moments(x, (1, 2))
    expected = (x - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(norm.apply({}, x), expected, atol=1e-5)
    np.testing.assert_allclose(norm.apply({}, x[1:]), expected[1:], atol=1e-5)


def test_group_norm_takes_the_statistics_of_neighbouring_channels_of_a_sample(x):
    params = {"scale": normal(4, seed=1), "bias": normal(4, seed=2)}
    y = GroupNorm(2).apply({"params": params}, x)
    for group in (slice(0, 2), slice(2, 4)):
        mean, variance = moments(x[..., group], (1, 2, 3))
        normalized = (x[..., group] - mean) / np.sqrt(variance + 1e-5)
        np.testing.assert_allclose(
            y[..., group], normalized * params["scale"][group] + params["bias"][group], atol=1e-5
        )


@pytest.mark.parametrize("kind", [BatchNorm, InstanceNorm])
def test_the_learned_scale_and_bias_follow_the_normalisation(kind, x):
    norm = kind(affine=True)
    variables = dict(jax.jit(norm.init)(jax.random.key(0), x))
    plain, _ = norm.apply(variables, x, mutable=["batch_stats"])
    variables["params"] = {"scale": jnp.asarray([2.0, 1.0, 0.0, -1.0]), "bias": jnp.arange(4.0)}
    y, _ = norm.apply(variables, x, mutable=["batch_stats"])
    np.testing.assert_allclose(y, plain * variables["params"]["scale"] + variables["params"]["bias"], atol=1e-6)


def test_statistics_of_bfloat16_activations_are_float32():
    # At 256 and more, bfloat16 has no room for the half that separates these values.
    x = (300 + 2 * (jnp.arange(64 * 64) % 2)).reshape(1, 64, 64, 1).astype(jnp.bfloat16)
    for norm in (BatchNorm(dtype=jnp.bfloat16), InstanceNorm(dtype=jnp.bfloat16)):
        y, state = norm.apply(jax.jit(norm.init)(jax.random.key(0), x), x, mutable=["batch_stats"])
        assert y.dtype == jnp.bfloat16
        np.testing.assert_allclose(jnp.abs(y.astype(jnp.float32)), 1, rtol=1e-2)
        assert all(leaf.dtype in (jnp.float32, jnp.int32) for leaf in jax.tree.leaves(state))


def test_both_norms_equal_torchs(x):
    torch = pytest.importorskip("torch")
    theirs = torch.from_numpy(np.asarray(x).transpose(0, 3, 1, 2).copy())
    batch_norm, ours = torch.nn.BatchNorm2d(4), BatchNorm()
    expected = batch_norm(theirs).detach().numpy().transpose(0, 2, 3, 1)
    y, variables = ours.apply(ours.init(jax.random.key(0), x), x, mutable=["batch_stats"])
    close = partial(np.testing.assert_allclose, atol=1e-5)
    close(y, expected)
    close(variables["batch_stats"]["mean"], batch_norm.running_mean)
    close(variables["batch_stats"]["var"], batch_norm.running_var)
    expected = torch.nn.functional.instance_norm(theirs).numpy().transpose(0, 2, 3, 1)
    close(InstanceNorm().apply({}, x), expected)


def test_a_norm_is_found_by_its_name_in_a_config():
    assert isinstance(normalization("syncbatch"), BatchNorm)
    assert isinstance(normalization("batch", affine=True), BatchNorm)
    assert isinstance(normalization("instance"), InstanceNorm)
    with pytest.raises(UserError, match="'layer' is not known; choose batch"):
        normalization("layer")


def test_tracked_statistics_move_and_change_no_output(x):
    norm = InstanceNorm(track=True)
    variables = jax.jit(norm.init)(jax.random.key(0), x)
    y, after = norm.apply(variables, x, mutable=["batch_stats"])
    np.testing.assert_array_equal(y, InstanceNorm().apply({}, x))
    np.testing.assert_array_equal(norm.apply(after, x), y)
    images = np.asarray(x, np.float64)
    stats, unbiased = after["batch_stats"], images.var((1, 2), ddof=1).mean(0)
    np.testing.assert_allclose(stats["mean"], 0.1 * images.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(stats["var"], 0.9 + 0.1 * unbiased, rtol=1e-5)
    assert stats["count"] == 1

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.networks.segmenter import SegmenterNet

NETWORK = SegmenterNet(num_classes=5, widths=(4, 6, 8))


@pytest.fixture(scope="module")
def variables():
    # Kernels drawn by NumPy: compiling the initialisation takes longer than all tests.
    shapes = jax.eval_shape(NETWORK.init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))
    rng = np.random.default_rng(0)

    def fill(path, leaf):
        if leaf.ndim == 4:
            return rng.normal(size=leaf.shape).astype(np.float32) / 4
        return np.full(leaf.shape, path[-1].key in ("scale", "var"), leaf.dtype)

    return jax.tree.map_with_path(fill, shapes)


@pytest.fixture(scope="module")
def apply(variables):
    return jax.jit(partial(NETWORK.apply, variables))


@pytest.mark.parametrize("size", [(32, 32), (40, 64)])
def test_every_pixel_of_any_size_gets_logits_and_every_image_one_feature_vector(apply, size):
    logits, features = apply(jnp.zeros((2, *size, 3)))
    assert logits.shape == (2, *size, 5)
    assert features.shape == (2, 8)


def test_an_image_alone_gets_the_logits_it_gets_in_a_batch(apply):
    images = jax.random.uniform(jax.random.key(1), (2, 32, 32, 3), minval=-1)
    together, _ = apply(images)
    alone, _ = apply(images[1:2])
    np.testing.assert_allclose(together[1:2], alone, atol=1e-5)


def test_a_changed_pixel_changes_the_logits_of_its_surroundings_most(apply):
    images = jnp.stack([jnp.zeros((32, 32, 3)), jnp.zeros((32, 32, 3)).at[16, 16].set(1.0)])
    before, after = apply(images)[0]
    row, column = np.unravel_index(np.abs(after - before).max(-1).argmax(), (32, 32))
    assert abs(row - 16) <= 3
    assert abs(column - 16) <= 3


def test_half_precision_computes_float32_logits(variables):
    half = NETWORK.clone(dtype=jnp.bfloat16)
    logits, features = jax.eval_shape(half.apply, variables, jnp.zeros((1, 32, 32, 3)))
    assert logits.dtype == features.dtype == jnp.float32

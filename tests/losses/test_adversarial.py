"""Adversarial objectives by their definitions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.losses.adversarial import KINDS, discriminator_loss, generator_loss

# kind -> for logits -2, 0.5 and 3: what D pays on a real, what D pays on a fake, what G pays.
LOGITS = np.asarray([-2.0, 0.5, 3.0], np.float32)
KNOWN = {
    "hinge": ([3, 0.5, 0], [0, 1.5, 4], [2, -0.5, -3]),
    "least_squares": ([9, 0.25, 4], [4, 0.25, 9], [9, 0.25, 4]),
    "cross_entropy": (
        [2.126928, 0.474077, 0.048587],
        [0.126928, 0.974077, 3.048587],
        [2.126928, 0.474077, 0.048587],
    ),
    "wasserstein": ([2, -0.5, -3], [-2, 0.5, 3], [2, -0.5, -3]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_charges_what_its_paper_says(kind):
    on_real, on_fake, on_generated = KNOWN[kind]
    real, fake = discriminator_loss([LOGITS], [LOGITS], kind)
    np.testing.assert_allclose(real, np.mean(on_real), rtol=1e-5)
    np.testing.assert_allclose(fake, np.mean(on_fake), rtol=1e-5)
    np.testing.assert_allclose(generator_loss([LOGITS], kind), np.mean(on_generated), rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_each_side_pulls_its_own_way(kind):
    logits = jnp.full(4, 0.5)
    assert (jax.grad(lambda x: generator_loss([x], kind))(logits) < 0).all()
    assert (jax.grad(lambda x: discriminator_loss([x], [logits], kind)[0])(logits) < 0).all()
    assert (jax.grad(lambda x: discriminator_loss([logits], [x], kind)[1])(logits) > 0).all()


def test_discriminators_count_alike_whatever_the_size_of_their_maps():
    small, large = jnp.ones((2, 1, 1, 1)), -jnp.ones((2, 8, 8, 1))
    np.testing.assert_allclose(generator_loss([small, large], "wasserstein"), 0)
    real, fake = discriminator_loss([small, large], [large, large], "hinge")
    np.testing.assert_allclose([real, fake], [1, 0])


def test_half_precision_logits_are_averaged_in_float32():
    logits = jnp.ones((1, 64, 64, 1), jnp.bfloat16) * 1.0078125
    loss = generator_loss([logits], "wasserstein")
    assert loss.dtype == jnp.float32
    np.testing.assert_allclose(loss, -1.0078125, rtol=1e-6)


def test_an_unknown_kind_is_an_error_that_lists_the_kinds():
    with pytest.raises(UserError, match=r"loss\.adversarial = 'ls' .*least_squares"):
        generator_loss([LOGITS], "ls")

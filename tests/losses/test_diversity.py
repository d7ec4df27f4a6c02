"""Objectives that keep generators from collapsing."""

import jax.numpy as jnp
import pytest

from jaxsyn.losses.diversity import EPSILON, mode_seeking


def test_mode_seeking_is_the_inverse_of_the_ratio_of_distances():
    image, latent = jnp.zeros((1, 2, 2, 3)), jnp.zeros((1, 4))
    assert float(mode_seeking(image, image + 0.5, latent, latent - 2)) == pytest.approx(4, rel=1e-4)


def test_mode_seeking_stays_finite_where_images_do_not_move():
    image, latent = jnp.zeros((1, 2, 2, 3)), jnp.zeros((1, 4))
    assert float(mode_seeking(image, image, latent, latent + 1)) == pytest.approx(1 / EPSILON, rel=1e-4)

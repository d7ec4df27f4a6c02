"""BicycleGAN's encoders."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.networks.latent_encoder import ConvEncoder, ResnetEncoder
from tests.arrays import filled, normal

KINDS = pytest.mark.parametrize("kind", [ResnetEncoder, ConvEncoder])


def posterior_shapes(module, *size):
    run = module.init_with_output
    return [x.shape for x in jax.eval_shape(run, jax.random.key(0), jnp.zeros((2, *size, 3)))[0]]


@KINDS
def test_an_image_has_a_mean_and_a_log_variance_of_its_own(kind):
    module, image = kind(latent_size=3, num_levels=1, width=2), normal(2, 16, 16, 3)
    variables = filled(jax.eval_shape(module.init, jax.random.key(0), image), scale=1.0)
    run = jax.jit(module.apply)
    mean, log_variance = run(variables, image)
    assert mean.shape == log_variance.shape == (2, 3)
    assert np.abs(mean - log_variance).min() > 0
    for both, alone in zip((mean, log_variance), run(variables, image[1:]), strict=True):
        np.testing.assert_allclose(both[1:], alone, atol=1e-5)


@KINDS
def test_levels_bring_the_image_to_eight_pixels_or_it_is_an_error(kind):
    assert posterior_shapes(kind(8, num_levels=2, width=1), 32, 32) == [(2, 8), (2, 8)]
    assert posterior_shapes(kind(8, num_levels=2, width=1), 32, 60) == [(2, 8), (2, 8)]
    for size in ((16, 32), (64, 64)):
        with pytest.raises(UserError, match=f"images of {size[0]}x{size[1]}: .* num_levels=2 needs 32x32"):
            posterior_shapes(kind(8, num_levels=2, width=1), *size)


@pytest.mark.parametrize(("kind", "widths"), [(ResnetEncoder, [2, 4, 6, 8, 8]), (ConvEncoder, [2, 4, 8, 8, 8])])
def test_levels_widen_up_to_fourfold(kind, widths):
    params = jax.eval_shape(kind(width=2).init, jax.random.key(0), jnp.zeros((1, 256, 256, 3)))["params"]
    layers = ["conv_in", *(f"block_{i}" for i in range(1, 5))] if kind is ResnetEncoder else None
    layers = layers or [f"conv_{i}" for i in range(5)]
    assert [params[name].get("conv_1", params[name])["kernel"].shape[-1] for name in layers] == widths

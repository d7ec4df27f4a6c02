import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsyn.evaluation.metrics.structural import box_window, l1, luma, ms_ssim, psnr, rmse, ssim


@pytest.fixture
def pair():
    draw = np.random.RandomState(0)
    first = draw.randint(0, 256, (2, 24, 32, 3)).astype(np.uint8)
    return first, np.clip(first + draw.normal(0, 30, first.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("border", ["valid", "symmetric", "zero", "full"])
def test_an_image_is_identical_to_itself(pair, border):
    np.testing.assert_allclose(ssim(pair[0], pair[0], border=border), 1, atol=1e-5)


def test_box_ssim_equals_the_windows_own_moments(pair):
    first, second = (np.asarray(x[:1, :7, :7, :1], np.float64).reshape(-1) for x in pair)
    covariance = np.cov(first, second)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * first.mean() * second.mean() + c1) * (2 * covariance[0, 1] + c2)
    expected /= (first.mean() ** 2 + second.mean() ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2)
    crop = [x[:1, :7, :7, :1] for x in pair]
    assert ssim(*crop, window=box_window(), sample_covariance=True)[0] == pytest.approx(expected, rel=1e-4)


def test_similarity_falls_with_noise_and_is_symmetric(pair):
    first, second = pair
    noisier = np.clip(second + np.random.RandomState(1).normal(0, 60, first.shape), 0, 255)
    assert (ssim(first, noisier) < ssim(first, second)).all()
    np.testing.assert_allclose(ssim(first, second), ssim(second, first), rtol=1e-5)


def test_ssim_does_not_depend_on_the_unit(pair):
    first, second = pair
    np.testing.assert_allclose(
        ssim(first, second), ssim(first / 127.5 - 1 + 1, second / 127.5 - 1 + 1, data_range=2.0), rtol=1e-4
    )


def test_the_data_range_may_differ_per_image(pair):
    first, second = pair
    both = ssim(first, second, data_range=jnp.array([255.0, 100.0]))
    assert both[1] == pytest.approx(float(ssim(first[1:], second[1:], data_range=100.0)[0]), rel=1e-5)


def test_multi_scale_similarity_of_equal_images_is_one(pair):
    np.testing.assert_allclose(ms_ssim(pair[0], pair[0], weights=(0.3, 0.3, 0.4)), 1, atol=1e-5)


def test_a_constant_error_has_a_known_psnr_rmse_and_l1():
    zero, one = np.zeros((2, 4, 4, 3)), np.full((2, 4, 4, 3), 25.5)
    np.testing.assert_allclose(psnr(zero, one), 20, rtol=1e-5)
    np.testing.assert_allclose(rmse(zero, one), 25.5, rtol=1e-6)
    np.testing.assert_allclose(l1(zero, one), 25.5, rtol=1e-6)
    assert np.isinf(psnr(zero, zero)).all()


def test_luma_of_grey_is_grey():
    np.testing.assert_allclose(luma(np.full((1, 2, 2, 3), 77, np.uint8)), 77, rtol=1e-6)


def test_ssim_can_be_jitted_and_differentiated(pair):
    first, second = (jnp.asarray(x, jnp.float32) for x in pair)
    gradient = jax.jit(jax.grad(lambda x: ssim(x, second).sum()))(first)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0

import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.metrics import sliced_wasserstein as swd


def images(seed, size=32):
    return np.random.RandomState(seed).randint(0, 256, (2, size, size, 3)).astype(np.float32)


@pytest.mark.parametrize("variant", [swd.PROGRESSIVE_GAN, swd.MMGENERATION])
def test_the_levels_of_a_pyramid_add_up_to_the_image(variant):
    fine, coarse = swd.laplacian_pyramid(images(0), 2, variant)
    np.testing.assert_allclose(fine + swd._enlarge(coarse, variant), images(0), atol=1e-3)


def test_a_flat_image_has_empty_bands_with_a_mirror_border():
    fine, coarse = swd.laplacian_pyramid(np.full((1, 32, 32, 3), 9.0), 2)
    np.testing.assert_allclose(fine, 0, atol=1e-5)
    np.testing.assert_allclose(coarse, 9, rtol=1e-6)


def test_a_patch_lies_around_its_centre():
    level = np.arange(2 * 16 * 16 * 3, dtype=np.float32).reshape(2, 16, 16, 3)
    patch = swd.patches(level, np.array([5, 8]), np.array([3, 12]))[1].reshape(3, 7, 7)
    np.testing.assert_array_equal(patch[2].T, level[1, 9:16, 5:12, 2])


def test_standardised_descriptors_have_zero_mean_and_unit_variance_per_channel():
    raw = np.random.RandomState(0).normal(5, 3, (40, 147)).astype(np.float32)
    found = np.asarray(swd.standardise(raw)).reshape(40, 3, 49)
    np.testing.assert_allclose(found.mean((0, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std((0, 2)), 1, rtol=1e-5)


def test_a_shift_along_an_axis_is_its_own_distance():
    draw = np.random.RandomState(0).standard_normal((50, 3)).astype(np.float32)
    directions = 2 * np.eye(3, dtype=np.float32)[None, :, :1]
    assert swd.sliced_wasserstein(draw, draw[::-1] + 0.25, directions) == pytest.approx(0.25, rel=1e-4)


def test_the_host_finds_the_distance_that_the_device_finds():
    draw = np.random.RandomState(0).standard_normal
    real, fake = draw((40, 3)).astype(np.float32), draw((40, 3)).astype(np.float32)
    directions = draw((2, 3, 5)).astype(np.float32)
    found = swd.sliced_wasserstein_on_host(real, fake, directions)
    assert found == pytest.approx(float(swd.sliced_wasserstein(real, fake, directions)), rel=1e-5)


def test_sizes_that_do_not_halve_are_a_readable_error():
    assert swd.pyramid_sizes(64, 128) == ((64, 128), (32, 64), (16, 32))
    for size in ((15, 64), (70, 70)):
        with pytest.raises(UserError, match=rf"found {size[0]}x{size[1]}: resize the images"):
            swd.pyramid_sizes(*size)

import numpy as np
import pytest

from jaxsyn.evaluation.patch_measure import PATCHES_PER_IMAGE, PatchMeasure

IMAGES = np.random.RandomState(0).randint(0, 256, (6, 32, 32, 3)).astype(np.uint8)


def scores(real, fake):
    measure = PatchMeasure(32, 32)
    for side, images in (("real", real), ("fake", fake)):
        for start in range(0, len(images), 4):
            batch = np.resize(images[start : start + 4], (4, 32, 32, 3))
            measure.add(side, batch, np.arange(4) < len(images) - start)
    return {name: score.value for name, score in measure.scores().items()}


def test_smeared_images_are_farther_than_other_patches_of_the_same_images():
    smeared = np.repeat(IMAGES[:, :, ::8], 8, axis=2)
    assert scores(IMAGES, smeared)["swd_32x32"] > 1.5 * scores(IMAGES, IMAGES)["swd_32x32"]


def test_padding_rows_leave_no_patches():
    measure = PatchMeasure(32, 32)
    measure.add("real", IMAGES, np.arange(6) < 2)
    assert [len(level[0]) for level in measure.patches["real"]] == [2 * PATCHES_PER_IMAGE] * 2


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_images_of_one_colour_have_no_distance():
    assert scores(IMAGES, np.full_like(IMAGES, 7)) == {"swd_32x32": None, "swd_16x16": None, "swd": None}

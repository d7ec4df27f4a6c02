"""torch's side of the pipeline's benchmark."""

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data.pairs import Pair

pictures = pytest.importorskip("benchmarks.torch_pictures", reason="needs torch", exc_type=ImportError)


def test_records_are_what_spades_loader_makes(tmp_path):
    paths = [str(tmp_path / f"{name}.png") for name in ("label", "image", "instance")]
    arrays = [np.full((9, 7), 255, np.uint8), np.full((9, 7, 3), 51, np.uint8), np.full((9, 7), 3, np.uint8)]
    for path, array in zip(paths, arrays, strict=True):
        Image.fromarray(array).save(path)
    record = pictures.TorchPictures([Pair(*paths)], load_size=8, crop_size=4, num_classes=6)[0]
    assert record["image"].shape == (3, 4, 4)
    np.testing.assert_allclose(record["image"], -0.6, atol=1e-6)
    np.testing.assert_array_equal(record["label"], np.full((1, 4, 4), 6))
    np.testing.assert_array_equal(record["instance"], np.full((1, 4, 4), 3))

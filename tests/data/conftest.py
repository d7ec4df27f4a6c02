"""Small data sets on disk, and configs that read them."""

import json
import os
from pathlib import Path

import ml_collections
import numpy as np
import pytest
from PIL import Image

from jaxsyn.data import default_data_config

HEIGHT, WIDTH, CLASSES = 12, 20, 5
SAMPLES = Path(os.environ.get("JAXSYN_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))


@pytest.fixture
def save():
    """Writes an array as an image file, with its folders."""

    def write(path, pixels, mode=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels, mode).save(path)
        return path

    return write


@pytest.fixture
def spade_folders(tmp_path, save):
    """Six training and three validation pairs in SPADE's layout, 20x12 pixels, classes 0 to 4."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 3)):
        for index in range(count):
            name = f"view{index + 8}"
            save(tmp_path / f"{split}_img" / f"{name}.png", rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
            save(tmp_path / f"{split}_label" / f"{name}.png", rng.integers(0, CLASSES, (HEIGHT, WIDTH), np.uint8))
            save(tmp_path / f"{split}_inst" / f"{name}.png", rng.integers(0, 40000, (HEIGHT, WIDTH)).astype(np.uint16))
    return tmp_path


@pytest.fixture
def config(spade_folders):
    """Trains on `spade_folders` at full size, batches of 4."""
    config = ml_collections.ConfigDict({"seed": 3, "batch_size": 4})
    config.data = default_data_config()
    config.data.update(
        name="paired_folders",
        root=str(spade_folders),
        height=HEIGHT,
        width=WIDTH,
        num_classes=CLASSES,
        use_instance=True,
    )
    return config


@pytest.fixture
def data(config):
    return config.data


@pytest.fixture
def samples():
    """The folder of real photographs; skips where it is absent."""
    if not SAMPLES.is_dir():
        pytest.skip(f"no real samples in {SAMPLES} (set JAXSYN_SAMPLES)")
    return SAMPLES


@pytest.fixture
def golden():
    """Opens a reference case of metrics as (header, arrays); skips where it is absent."""

    def load(case):
        path = SAMPLES.parent / "golden" / "metrics" / case
        if not path.with_suffix(".npz").is_file():
            pytest.skip(f"no reference case {path}")
        return json.loads(path.with_suffix(".json").read_text()), np.load(path.with_suffix(".npz"))

    return load

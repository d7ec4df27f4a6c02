"""The comparison with the authors' PyTorch code, as far as it goes without theirs."""

import pytest

from benchmarks.pytorch import table
from benchmarks.recipes import NARROW_SPADE, load_recipe
from benchmarks.spade_reference import reference_inference, reference_options
from jaxsyn.errors import UserError


def test_the_reference_gets_the_recipes_widths_and_sizes():
    options = reference_options(load_recipe(NARROW_SPADE).to_dict())
    assert options["norm_G"] == "spectralspadesyncbatch3x3"
    assert (options["ngf"], options["ndf"], options["batchSize"]) == (16, 16, 1)
    assert (options["crop_size"], options["aspect_ratio"], options["num_upsampling_layers"]) == (512, 2.0, "more")
    assert (options["label_nc"], options["semantic_nc"], options["no_instance"]) == (35, 36, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("loss.weights.perceptual=10", "add loss.weights.perceptual=0"),
        ("model.use_vae=True", "without an encoder"),
        ("compute_dtype=bfloat16", "float32"),
    ],
)
def test_a_recipe_that_the_reference_has_not_is_an_error(change, message):
    with pytest.raises(UserError, match=message):
        reference_options(load_recipe(f"{NARROW_SPADE} {change}").to_dict())


def test_a_folder_without_the_authors_code_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no copy of the authors' repository"):
        reference_inference({"reference": str(tmp_path), "config": {}, "batch": {}})


def test_the_table_tells_ratios_memory_and_compile_time():
    ours = {"peak_bytes": 3 * 2**20, "compile_seconds": 7.0, "flops": 2e9, "bytes_moved": 1e9}
    entry = {"what": "step", "speedups": [2.0, 3.0, 9.0], "ours": ours, "theirs": {"peak_bytes": 4 * 2**20}}
    last = table({"recipe": "R", "programs": [entry]}).splitlines()[-1]
    assert last.split() == [
        "step",
        "3.00",
        "(2.00,",
        "9.00)",
        "3",
        "/",
        "4",
        "MiB",
        "7",
        "s",
        "2",
        "GFLOP,",
        "1.0",
        "GB",
        "(loops",
        "counted",
        "once)",
    ]

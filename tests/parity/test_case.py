import json
from pathlib import Path

import numpy as np
import pytest

from jaxsyn.errors import UserError
from tests.parity.case import label_map, load_case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.weight_rule import fill, vgg_state

GOLDEN = Path(__file__).parent / "golden"


def test_the_weight_rule_makes_known_numbers() -> None:
    bias = fill("fc.bias", (3,), "bias", 0)
    assert bias.dtype == np.float32
    np.testing.assert_allclose(bias, [-0.05556534, -0.08304381, -0.05879933], rtol=1e-6)


def test_the_weight_rule_scales_by_role() -> None:
    n = fill("x", (4, 3, 2, 2), "bias", 5).astype(np.float64) * 10
    np.testing.assert_allclose(fill("x", (4, 3, 2, 2), "weight", 5), n / np.sqrt(12), rtol=1e-5)
    np.testing.assert_allclose(fill("x", (4, 3, 2, 2), "scale", 5), 1 + 0.1 * n, rtol=1e-5)
    np.testing.assert_allclose(fill("x", (4, 3, 2, 2), "running_var", 5), np.exp(0.2 * n), rtol=1e-5)


def test_the_weight_rule_depends_on_name_and_seed() -> None:
    same = fill("a", (5,), "bias", 0)
    assert np.array_equal(same, fill("a", (5,), "bias", 0))
    assert not np.array_equal(same, fill("b", (5,), "bias", 0))
    assert not np.array_equal(same, fill("a", (5,), "bias", 1))


def test_a_role_outside_the_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="spectral_u"):
        fill("a.weight_u", (3,), "spectral_u", 0)


@pytest.mark.parametrize(("depth", "convolutions", "last"), [(16, 13, 28), (19, 16, 34)])
def test_vgg_has_the_entries_of_torchvision(depth: int, convolutions: int, last: int) -> None:
    state = vgg_state(depth)
    assert len(state) == 2 * convolutions
    assert state["features.0.weight"].shape == (64, 3, 3, 3)
    assert state[f"features.{last}.weight"].shape == (512, 512, 3, 3)
    assert state[f"features.{last}.bias"].shape == (512,)


def test_stored_entries_come_from_the_arrays_and_the_rest_from_the_rule() -> None:
    case = load_case(GOLDEN / "spade" / "discriminator.json")
    state = case.state("discriminator")
    assert {name: array.shape for name, array in state.items()} == case.shapes("discriminator")
    name = "discriminator_0.model1.0.0.weight_u"
    assert np.array_equal(state[name], case.stored[f"discriminator/state/{name}"])
    name = "discriminator_0.model0.0.bias"
    assert np.array_equal(state[name], fill(name, (4,), "bias", case.seed))


def test_a_manifest_has_shapes_and_no_arrays() -> None:
    case = load_case(GOLDEN / "spade" / "coco.manifest.json")
    assert case.is_manifest
    assert case.name == "spade/coco.manifest"
    assert case.shapes("generator")["fc.weight"] == (1024, 184, 3, 3)


def test_layouts_convert_both_ways() -> None:
    images = np.arange(24).reshape(1, 2, 3, 4)
    assert nchw_to_nhwc(images)[0, 1, 2, 1] == images[0, 1, 1, 2]
    assert np.array_equal(nhwc_to_nchw(nchw_to_nhwc(images)), images)
    assert label_map(images[:, :1]).shape == (1, 3, 4)


def test_a_file_that_is_no_case_is_a_user_error(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(UserError, match="No such file"):
        load_case(path)
    path.write_text("{")
    with pytest.raises(UserError, match="not a reference case"):
        load_case(path)
    path.write_text(json.dumps({"manifest": "paper"}))
    with pytest.raises(UserError, match="not a reference case"):
        load_case(path)

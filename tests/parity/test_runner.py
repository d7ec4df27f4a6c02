"""The runner on a toy method: a 1x1 convolution with a running mean, y = W x + b - mean."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from flax import linen as nn

from tests.parity.__main__ import main
from tests.parity.adapter import Results, Template
from tests.parity.case import Case, nchw_to_nhwc, nhwc_to_nchw
from tests.parity.compare import relative_error
from tests.parity.runner import check
from tests.parity.weight_rule import fill


class ToyGenerator(nn.Module):
    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        mean = self.variable("batch_stats", "mean", np.zeros, (self.features,))
        return nn.Conv(self.features, (1, 1), name="conv")(x) - mean.value


def templates(config: dict[str, Any]) -> dict[str, Template]:
    shapes = jax.eval_shape(ToyGenerator(config["nf"]).init, jax.random.key(0), np.zeros((1, 2, 2, 3)))
    return {"generator": Template(shapes, ((r"^conv\.", "layer.0."),)), "encoder": Template({"params": {}})}


def run(case: Case, variables: dict[str, Any]) -> Results:
    image = ToyGenerator(case.config["nf"]).apply(variables["generator"], nchw_to_nhwc(case.inputs["image"]))
    outputs = {"image": nhwc_to_nchw(image), "sign": nhwc_to_nchw(image > 0).astype(np.int32)}
    return Results(outputs, {"mean_square": float((image**2).mean()), "grad_norm/generator": 2.0})


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    adapter = SimpleNamespace(templates=templates, run=run)
    monkeypatch.setitem(sys.modules, "tests.parity.toy", adapter)
    return adapter


def entries(width: int) -> list[dict[str, Any]]:
    return [
        {"name": "layer.0.weight", "shape": [width, 3, 1, 1], "role": "weight", "init": "rule"},
        {"name": "layer.0.bias", "shape": [width], "role": "bias", "init": "rule"},
        {"name": "running_mean", "shape": [width], "role": "running_mean", "init": "stored"},
        {"name": "num_batches_tracked", "shape": [], "role": "num_batches_tracked", "init": "stored"},
    ]


@pytest.fixture
def write_case(tmp_path: Path) -> Callable[..., Path]:
    """Writes a toy case, computed with NumPy; `change` may spoil its text and arrays first."""

    def write(change: Callable[[dict, dict], None] = lambda text, arrays: None, name: str = "toy_case") -> Path:
        width, seed = 4, 3
        x = np.random.RandomState(0).standard_normal((2, 3, 5, 6)).astype(np.float32)
        weight = fill("layer.0.weight", (width, 3, 1, 1), "weight", seed)
        bias = fill("layer.0.bias", (width,), "bias", seed)
        mean = np.linspace(-1, 1, width).astype(np.float32)
        image = np.einsum("oi,bihw->bohw", weight[:, :, 0, 0], x) + (bias - mean)[:, None, None]
        arrays = {
            "in/image": x,
            "out/image": image,
            "out/sign": (image > 0).astype(np.int32),
            "generator/state/running_mean": mean,
            "generator/state/num_batches_tracked": np.array(0, np.int64),
        }
        text = {
            "case": name,
            "method": "toy",
            "mode": "eval",
            "seed": seed,
            "config": {"nf": width},
            "networks": {"generator": {"parameters": 4 * width, "state": entries(width)}},
            "inputs": {"image": [[2, 3, 5, 6], "float32"]},
            "outputs": {"image": [[2, width, 5, 6], "float32"], "sign": [[2, width, 5, 6], "int32"]},
            "scalars": {"mean_square": float((image**2).mean()), "grad_norm/generator": 2.001},
            "notes": "Compare image to 1e-2.",
        }
        change(text, arrays)
        np.savez(tmp_path / f"{name}.npz", **arrays)
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(text))
        return path

    return write


def test_a_right_case_passes_and_says_how_near_it_is(write_case: Callable[..., Path]) -> None:
    verdict = check(write_case())
    assert verdict.ok, verdict.details
    # The gradient norm is 5e-4 away, which is right for a gradient norm alone.
    assert str(verdict) == "toy/toy_case ok worst=5.0e-04 (grad_norm/generator)"


def spoil_image(text: dict, arrays: dict) -> None:
    arrays["out/image"][0, 0, 0, 0] += 0.01


def test_one_wrong_value_fails_and_is_named(write_case: Callable[..., Path]) -> None:
    verdict = check(write_case(spoil_image))
    assert not verdict.ok
    assert verdict.what == "image"
    assert 1e-3 < verdict.worst < 1e-2
    assert check(write_case(spoil_image), tolerance=1e-2).ok


def spoil_scalar(text: dict, arrays: dict) -> None:
    text["scalars"]["mean_square"] *= 1.001


def spoil_integer(text: dict, arrays: dict) -> None:
    arrays["out/sign"][0, 0, 0, 0] ^= 1


def spoil_weight(text: dict, arrays: dict) -> None:
    text["seed"] += 1


def add_scalar(text: dict, arrays: dict) -> None:
    text["scalars"]["G/GAN"] = 1.0


def drop_output(text: dict, arrays: dict) -> None:
    del text["outputs"]["sign"]


def shrink_output(text: dict, arrays: dict) -> None:
    arrays["out/image"] = arrays["out/image"][:, :, :2]


def miscount(text: dict, arrays: dict) -> None:
    text["networks"]["generator"]["parameters"] = 99


def add_entry(text: dict, arrays: dict) -> None:
    text["networks"]["generator"]["state"].append({"name": "conv_s.bias", "shape": [2], "role": "bias", "init": "rule"})


def add_network(text: dict, arrays: dict) -> None:
    text["networks"]["teacher"] = {"parameters": 0, "state": []}


def rename_method(text: dict, arrays: dict) -> None:
    text["method"] = "unheard_of"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (spoil_scalar, "mean_square"),
        (spoil_integer, "sign"),
        (spoil_weight, "results fail"),
        (add_scalar, "G/GAN: scalar is missing from our results"),
        (drop_output, "sign: output is not in the case"),
        (shrink_output, "image: shape [2, 4, 5, 6], the reference's is [2, 4, 2, 6]"),
        (miscount, "generator has 16 parameters, not 99"),
        (add_entry, "1 unexpected (conv_s.bias [2])"),
        (add_network, "the adapter makes no teacher"),
        (rename_method, "method 'unheard_of' has no adapter"),
    ],
)
def test_whatever_does_not_fit_fails_with_its_reason(
    change: Callable[[dict, dict], None], what: str, write_case: Callable[..., Path]
) -> None:
    verdict = check(write_case(change))
    assert not verdict.ok
    assert what in verdict.what
    assert "\n" not in str(verdict)


def test_nan_fails_even_where_all_else_is_right(toy: SimpleNamespace, write_case: Callable[..., Path]) -> None:
    def run_with_nan(case: Case, variables: dict[str, Any]) -> Results:
        results = run(case, variables)
        image = np.array(results.outputs["image"])
        image[0, 0, 0, 0] = np.nan
        return Results({**results.outputs, "image": image}, results.scalars)

    toy.run = run_with_nan
    verdict = check(write_case())
    assert not verdict.ok
    assert "NaN" in verdict.what


def widened(figure: float) -> Callable[[Case, dict[str, Any]], Results]:
    def run_widened(case: Case, variables: dict[str, Any]) -> Results:
        results = run(case, variables)
        return Results(results.outputs, results.scalars, {"image": figure})

    return run_widened


def test_a_tolerance_that_the_notes_name_is_granted_and_another_is_not(
    toy: SimpleNamespace, write_case: Callable[..., Path]
) -> None:
    path = write_case(spoil_image)
    toy.run = widened(1e-2)
    assert check(path).ok
    toy.run = widened(1e-1)
    verdict = check(path)
    assert not verdict.ok
    assert "notes do not name" in verdict.what


@pytest.mark.parametrize(
    ("ours", "reference", "error"),
    [(1.0, 1.0, 0.0), ([1, 2.02], [1.0, 2.0], 0.01), (1e-6, 0.0, 1e-4), ([1, 2, 3, 5], [1, 2, 3, 4], 0.25)],
)
def test_the_relative_error_is_taken_from_the_largest_reference(ours: Any, reference: Any, error: float) -> None:
    assert math.isclose(relative_error(ours, reference), error, rel_tol=1e-6, abs_tol=1e-12)


def write_manifest(folder: Path, width: int, parameters: int) -> Path:
    path = folder / "paper.manifest.json"
    network = {"parameters": parameters, "state": entries(width)}
    text = {"manifest": "paper", "method": "toy", "config": {"nf": 64}, "networks": {"generator": network}, "notes": ""}
    path.write_text(json.dumps(text))
    return path


def test_a_manifest_is_checked_by_names_shapes_and_counts(tmp_path: Path) -> None:
    right = check(write_manifest(tmp_path, 64, 256))
    assert str(right) == "toy/paper.manifest ok worst=0.0e+00 (parameters: generator 256)"
    miscounted = check(write_manifest(tmp_path, 64, 255))
    assert not miscounted.ok
    assert "256 parameters, not 255" in miscounted.what
    misshaped = check(write_manifest(tmp_path, 32, 256))
    assert not misshaped.ok
    assert "layer.0.weight is [64, 3, 1, 1], the manifest's is [32, 3, 1, 1]" in misshaped.details


def test_the_command_prints_a_line_a_case_and_goes_on_after_a_failure(
    write_case: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_case(rename_method, name="a")
    (tmp_path / "b.json").write_text("{")
    write_case(name="c")
    assert main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" worst=")[0] for line in lines] == ["unheard_of/a FAIL", "b FAIL", "toy/c ok"]
    assert main([str(tmp_path / "c.json")]) == 0
    assert main([str(tmp_path / "c.json"), "--tolerance", "1e-12"]) == 1

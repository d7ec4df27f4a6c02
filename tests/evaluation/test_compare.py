import json
import re

import numpy as np
import pytest
from PIL import Image

from jaxsyn.evaluation import inception_measure
from jaxsyn.evaluation.__main__ import main
from jaxsyn.evaluation.inception import InceptionProtocol
from jaxsyn.evaluation.metrics.frechet import FeatureStatistics, frechet
from tests.evaluation.tiny import MeanColour, load_ones


@pytest.fixture
def tiny_inception(monkeypatch):
    protocol = InceptionProtocol(MeanColour(), "inception", lambda images: images / 255.0)
    monkeypatch.setitem(inception_measure.PROTOCOLS, "pytorch_fid", protocol)
    monkeypatch.setattr(inception_measure, "load_weights", load_ones)


@pytest.fixture
def folders(tmp_path):
    draw, arrays = np.random.RandomState(0), {}
    for side, count in (("real", 7), ("fake", 7)):
        (tmp_path / side).mkdir()
        arrays[side] = draw.randint(0, 256, (count, 32, 32, 3)).astype(np.uint8)
        for index, array in enumerate(arrays[side]):
            Image.fromarray(array).save(tmp_path / side / f"{index}.png")
    return tmp_path, arrays


def run(root, metrics, *options):
    return main(["compare", "--real", str(root / "real"), "--fake", str(root / "fake"), "--metrics", metrics, *options])


def report(root, metrics, *options):
    assert run(root, metrics, "--json", str(root / "out.json"), *options) == 0
    return json.loads((root / "out.json").read_text())


def test_batches_and_padding_do_not_change_the_distance(folders, tiny_inception):
    root, arrays = folders
    expected = {}
    for side, images in arrays.items():
        features = MeanColour().apply(
            {"params": {"fc": {"kernel": np.ones((4, 5)), "bias": np.ones(5)}}}, images / 255.0
        )
        expected[side] = FeatureStatistics(4)
        expected[side].update(features["2048"])
    for batch_size in ("3", "7", "100"):
        score = report(root, "fid", "--batch-size", batch_size)["scores"]["fid"]
        assert score["value"] == pytest.approx(frechet(expected["real"], expected["fake"]).value, rel=1e-4)
    assert (score["protocol"]["weights"], score["protocol"]["sha256"]) == ("inception.npz", "beef")


def test_every_metric_of_the_features_is_reported_in_one_pass(folders, tiny_inception, capsys):
    found = report(folders[0], "fid,kid,is,precision_recall")
    assert list(found["scores"]) == ["fid", "kid", "is", "precision", "recall", "density", "coverage"]
    assert all(np.isfinite(score["value"]) for score in found["scores"].values())
    assert found["real"] | {"folder": ""} == {"folder": "", "images": 7, "height": 32, "width": 32}
    assert "subsets of 7 images" in capsys.readouterr().out


def test_missing_weights_skip_a_metric_and_the_rest_runs(folders, capsys):
    found = report(folders[0], "fid,lpips,l1")["scores"]
    assert found["fid"]["value"] is None
    assert found["lpips"]["value"] is None
    assert found["l1"]["value"] > 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["fid", "lpips", "l1", "missing", "missing", "missing"]
    for file, row, told in (
        ("pt_inception-2015-12-05-6726825d.pth", 0, 3),
        ("alexnet-owt-7be5be79.pth", 1, 4),
        ("lpips_v0.1_alex.pth", 1, 5),
    ):
        assert file in lines[row]
        assert f"{file}: get it from https://" in lines[told]


def test_a_file_that_several_metrics_lack_is_told_once(folders, capsys):
    assert run(folders[0], "kid,fid,lpips_vgg,dipd") == 0
    out = capsys.readouterr().out
    assert out.count("missing pt_inception") == out.count("missing vgg16") == 1


def test_pixel_metrics_average_over_all_pairs(folders):
    root, arrays = folders
    found = report(root, "l1,rmse,psnr", "--batch-size", "3")["scores"]
    difference = arrays["real"].astype(np.float64) - arrays["fake"]
    assert found["l1"]["value"] == pytest.approx(np.abs(difference).mean() / 127.5, rel=1e-5)
    mean_square = (difference**2).mean((1, 2, 3))
    assert found["rmse"]["value"] == pytest.approx(np.sqrt(mean_square).mean() / 255, rel=1e-5)
    assert found["psnr"]["value"] == pytest.approx((10 * np.log10(255**2 / mean_square)).mean(), rel=1e-5)


def test_identical_pairs_have_no_finite_psnr_and_are_counted(folders):
    root, arrays = folders
    Image.fromarray(arrays["real"][4]).save(root / "fake" / "4.png")
    score = report(root, "psnr")["scores"]["psnr"]
    assert np.isfinite(score["value"])
    assert "1 pairs are identical" in score["note"]


def test_sliced_wasserstein_repeats_with_its_seed(folders):
    first, again = (report(folders[0], "swd", "--seed", "3")["scores"] for _ in range(2))
    assert first == again
    assert list(first) == ["swd_32x32", "swd_16x16", "swd"]


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ("fidd", "unknown metric fidd; choose from fid"),
        (",", "no metric asked for"),
        ("ms_ssim,lpips", "compare pairs: .*has 7 images, .* 6"),
        ("swd", "one count and size"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_one(folders, capsys, metrics, message):
    (folders[0] / "fake" / "6.png").unlink()
    assert run(folders[0], metrics) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "image/s" not in line]
    assert len(lines) == 1
    assert re.search(message, lines[0])


def test_images_too_small_for_a_metric_are_an_error(folders, capsys):
    assert run(folders[0], "lpips", "--resize", "16", "16") == 1
    assert "lpips needs images of at least 32x32 pixels, found 16x16" in capsys.readouterr().err
    assert run(folders[0], "ms_ssim", "--resize", "24", "24") == 1
    assert "must divide by 16" in capsys.readouterr().err

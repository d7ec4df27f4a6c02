import json

import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation.command import evaluate_run, write_metrics
from jaxsyn.evaluation.evaluator import Evaluation
from jaxsyn.evaluation.score import Score, format_table
from tests.evaluation.tiny import tiny_config

SCORES = {
    "psnr": Score(float("inf"), "", {"unit": "dB"}),
    "fid": Score(None, "skipped", missing=("put it there",)),
    "kid": Score(None, "skipped", missing=("put it there",)),
    "ssim": Score(0.5),
}


def test_metrics_json_is_strict_json_with_null_for_what_is_no_number(tmp_path):
    path = tmp_path / "metrics.json"
    write_metrics(path, 7, Evaluation(SCORES, {"images": 3}))
    content = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert content == {
        "step": 7,
        "metrics": {"psnr": None, "fid": None, "kid": None, "ssim": 0.5},
        "protocol": {"images": 3, "psnr": {"unit": "dB"}},
        "notes": {"fid": "skipped; put it there", "kid": "skipped; put it there"},
    }


def test_the_table_aligns_values_and_tells_each_missing_file_once():
    assert format_table(SCORES).splitlines() == [
        "  psnr         inf",
        "  fid            -  skipped",
        "  kid            -  skipped",
        "  ssim         0.5",
        "put it there",
    ]


def test_a_directory_without_a_run_is_an_error_that_tells_how_to_train_one(tmp_path):
    with pytest.raises(UserError, match=r"train one with train\.py"):
        evaluate_run(tiny_config(), tmp_path)


def test_the_segmenter_is_not_evaluated_as_a_generator(tmp_path):
    config = tiny_config()
    config.method = "segmenter"
    with pytest.raises(UserError, match=r"python -m jaxsyn\.evaluation\.segmenter"):
        evaluate_run(config, tmp_path)

"""Which steps the pod table lists, and how it tells their figures."""

import json

import pytest

from benchmarks import pods
from benchmarks.pods import PODS, Pod, compile_pod, table
from benchmarks.recipes import load_recipe
from jaxsyn.errors import UserError
from jaxsyn.methods import method_names

FOUND = {
    "memory_bytes": 12.34e9,
    "fits": True,
    "flops": 3.27e12,
    "bytes_moved": 82e9,
    "collectives": {"all-reduce": {"count": 2, "bytes": 4e8}, "all-gather": {"count": 1, "bytes": 1e8}},
    "least_seconds": {"arithmetic": 0.0166, "memory": 0.1001, "links": 0.0025},
    "bound": "memory",
    "height": 256,
    "width": 512,
    "batch_size": 16,
    "knobs": "",
}


def test_every_method_of_a_paper_is_there_with_a_recipe_that_loads():
    listed = {load_recipe(pod.recipe).method for pod in PODS}
    assert listed == set(method_names()) - {"segmenter", "domain_classifier"}
    assert len(set(PODS)) == len(PODS)


def test_the_table_tells_memory_work_and_the_floor_of_what_was_compiled():
    last = table({str(PODS[0]): FOUND}).splitlines()[-1]
    assert last == "| `spade:cityscapes` | v5e:2x4 | 256x512 | 16 | 12.3 | 3.27 | 82 | 0.50 | 100 | memory |"


def test_what_does_not_fit_is_compiled_again_with_more_knobs_until_it_does(monkeypatch):
    tried = []

    def figures(config, topology):
        tried.append((config.remat, config.mesh.fsdp))
        return {**FOUND, "fits": config.mesh.fsdp == 8}

    monkeypatch.setattr(pods, "step_figures", figures)
    found = compile_pod(PODS[0])
    assert tried == [(False, 1), (True, 1), (True, 8)]
    assert found["fits"]
    assert "12.3 (with remat=True mesh.fsdp=8 mesh.data=-1)" in table({str(PODS[0]): found})


def test_what_never_fits_or_crashes_the_compiler_is_said_so(monkeypatch):
    monkeypatch.setattr(pods, "step_figures", lambda *_: {**FOUND, "fits": False})
    assert "12.3 of 16: does not fit" in table({str(PODS[0]): compile_pod(PODS[0])})

    def crash(*_):
        raise UserError("the TPU compiler crashed on spade")

    monkeypatch.setattr(pods, "step_figures", crash)
    assert "the compiler crashes" in table({str(PODS[0]): compile_pod(PODS[0])})


def test_a_wrong_recipe_is_no_crash():
    with pytest.raises(UserError, match=r"configs/nothing.py: no such recipe"):
        compile_pod(Pod("configs/nothing.py", "v5e:2x4"))


def test_what_was_compiled_is_not_compiled_again(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pods, "FIGURES", tmp_path / "pods.json")
    monkeypatch.setattr(pods, "TABLE", tmp_path / "docs" / "pods.md")
    monkeypatch.setattr(pods, "PODS", PODS[:2])
    compiled = []
    monkeypatch.setattr(pods, "compile_pod", lambda pod: compiled.append(pod) or FOUND)
    (tmp_path / "pods.json").write_text(json.dumps({str(PODS[0]): FOUND}))
    pods.compile_all()
    pods.compile_all()
    assert compiled == [PODS[1]]
    assert len((tmp_path / "docs" / "pods.md").read_text().splitlines()) == 10
    assert "2 of 2 steps" in capsys.readouterr().out

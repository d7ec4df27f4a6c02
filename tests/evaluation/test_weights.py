import hashlib
import io
import urllib.request

import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.evaluation import weights
from jaxsyn.evaluation.metrics.lpips import LINEAR_RULES, linear_template
from jaxsyn.evaluation.weights import LoadedWeights, MissingWeights, PublicWeights, load_weights
from jaxsyn.interop.files import write_state_dict

TEMPLATE = linear_template((3, 5))
STATE = {
    "lin0.model.1.weight": np.arange(3, dtype=np.float32).reshape(1, 3, 1, 1),
    "lin1.model.1.weight": np.ones((1, 5, 1, 1), np.float32),
}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXSYN_WEIGHTS", str(tmp_path))
    return tmp_path


def load(**options):
    return load_weights("lpips_alex", TEMPLATE, LINEAR_RULES, **options)


def test_absent_weights_say_which_file_from_where_and_where_to(cache):
    found = load()
    assert isinstance(found, MissingWeights)
    assert "\n" not in found.line
    for part in ("lpips_v0.1_alex.pth", "https://raw.githubusercontent.com/richzhang", str(cache), "JAXSYN_WEIGHTS"):
        assert part in found.line


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_in_the_cache_is_found_in_any_format(cache, suffix):
    file = cache / f"lpips_v0.1_alex{suffix}"
    write_state_dict(file, STATE)
    found = load()
    assert isinstance(found, LoadedWeights)
    np.testing.assert_array_equal(found.variables["params"]["lin0"]["model_1"]["kernel"].ravel(), [0, 1, 2])
    assert (found.file, found.sha256) == (str(file), hashlib.sha256(file.read_bytes()).hexdigest())


def test_a_path_goes_before_the_cache(cache, tmp_path):
    write_state_dict(cache / "lpips_v0.1_alex.npz", STATE)
    own = tmp_path / "own.npz"
    write_state_dict(own, STATE)
    assert load(path=own).file == str(own)
    with pytest.raises(UserError, match="no such file"):
        load(path=tmp_path / "absent.npz")


def test_entries_that_a_metric_does_not_use_are_left_out(cache):
    wrapped = {f"module.{name}": array for name, array in STATE.items()}
    write_state_dict(cache / "lpips_v0.1_alex.npz", wrapped | {"module.classifier.weight": np.ones((2, 2))})
    assert set(load().variables["params"]) == {"lin0", "lin1"}


def test_weights_of_another_network_are_an_error_that_names_the_file(cache):
    write_state_dict(cache / "lpips_v0.1_alex.npz", {"lin0.model.1.weight": np.ones((1, 4, 1, 1), np.float32)})
    with pytest.raises(UserError, match=r"lpips_v0.1_alex.npz.*lin1.model.1.weight"):
        load()


class Response(io.BytesIO):
    headers = {"Content-Length": "3"}  # noqa: RUF012


def test_a_download_is_checked_against_its_digest(cache, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Response(b"bad"))
    with pytest.raises(UserError, match="SHA-256"):
        load(download=True)
    assert not list(cache.iterdir())


def test_a_download_with_the_right_digest_is_kept(cache, monkeypatch, tmp_path):
    write_state_dict(tmp_path / "source.npz", STATE)
    content = (tmp_path / "source.npz").read_bytes()
    (tmp_path / "source.npz").unlink()
    public = PublicWeights("tiny.npz", "https://example.org/tiny.npz", hashlib.sha256(content).hexdigest()[:8])
    monkeypatch.setitem(weights.PUBLIC_WEIGHTS, "lpips_alex", public)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Response(content))
    assert load(download=True).file == str(cache / "tiny.npz")


def test_a_failed_download_says_what_to_do(cache, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(UserError, match=r"download failed \(no network\); download it by hand to"):
        load(download=True)


def test_files_without_a_known_digest_are_not_downloaded(cache, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("it asked the network"))
    monkeypatch.setitem(weights.PUBLIC_WEIGHTS, "lpips_alex", PublicWeights("tiny.npz", "https://example.org/tiny"))
    assert isinstance(load(download=True), MissingWeights)

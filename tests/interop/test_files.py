import os
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.interop.files import read_state_dict, write_state_dict

STATE = {
    "conv.weight": np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1).transpose(1, 0, 2, 3),
    "norm.num_batches_tracked": np.array(7, np.int64),
}
FORMATS = ["w.npz", "w.safetensors", "w.pth", "w.pt", "w.pth.tar"]


def require_torch_for(name: str) -> None:
    if not name.endswith((".npz", ".safetensors")):
        pytest.importorskip("torch")


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_back_in_every_format(name: str, tmp_path: Path) -> None:
    require_torch_for(name)
    write_state_dict(tmp_path / name, STATE)
    read = read_state_dict(tmp_path / name)
    assert read.keys() == STATE.keys()
    for entry, array in STATE.items():
        assert read[entry].dtype == array.dtype
        np.testing.assert_array_equal(read[entry], array)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("keep", [0, 40, 0.5, 0.98])
def test_a_truncated_file_is_a_one_line_error(name: str, keep: float, tmp_path: Path) -> None:
    require_torch_for(name)
    path = tmp_path / name
    write_state_dict(path, {"w": np.arange(5000, dtype=np.float32)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else int(keep)])
    with pytest.raises(UserError, match=name) as error:
        read_state_dict(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", FORMATS)
def test_a_web_page_under_the_name_of_a_checkpoint_is_a_one_line_error(name: str, tmp_path: Path) -> None:
    require_torch_for(name)
    (tmp_path / name).write_text("<!DOCTYPE html><html>Quota exceeded</html>")
    with pytest.raises(UserError, match=name) as error:
        read_state_dict(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.npz"
    write_state_dict(path, STATE)
    before = path.read_bytes()

    def fail(stream: object, **arrays: np.ndarray) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        write_state_dict(path, {"other": np.zeros(3)})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_absent_file_and_an_unknown_suffix_are_user_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_state_dict(tmp_path / "latest_net_G.pth")
    with pytest.raises(UserError, match="bin"):
        write_state_dict(tmp_path / "w.bin", STATE)


def test_without_torch_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "w.pth").write_bytes(b"anything")
    with pytest.raises(UserError, match="pip install torch"):
        read_state_dict(tmp_path / "w.pth")


class Hostile:
    """Unpickling it would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_pickle_does_not_execute(zipped: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    target = tmp_path / "executed"
    content = {"weight": torch.ones(2), "extra": Hostile(target)}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match=r"Python objects.*system"):
        read_state_dict(tmp_path / "w.pth")
    assert not target.exists()


def test_a_file_of_the_format_before_torch_1_6_is_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    content = {"weight": torch.arange(3.0), "half": torch.ones(2, dtype=torch.bfloat16)}
    torch.save(content, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    read = read_state_dict(tmp_path / "w.pth")
    np.testing.assert_array_equal(read["weight"], [0, 1, 2])
    assert read["half"].dtype == np.float32


def save_nested(path: Path) -> Path:
    torch = pytest.importorskip("torch")
    weights = {name: {"w": torch.full((1,), value)} for value, name in enumerate(("a", "b", "ema"))}
    optimizer = {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
    torch.save({"nets": {"a": weights["a"], "b": weights["b"]}, "g_ema": weights["ema"], "optimizer": optimizer}, path)
    return path


def test_the_only_state_dict_of_a_training_checkpoint_is_found(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    content = {"epoch": 3, "state_dict": layer.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(content, tmp_path / "w.pth.tar")
    assert read_state_dict(tmp_path / "w.pth.tar").keys() == {"weight", "bias"}


@pytest.mark.parametrize(("key", "value"), [("nets.a", 0), ("nets.b", 1), ("g_ema", 2)])
def test_a_key_chooses_among_several_state_dicts(key: str, value: int, tmp_path: Path) -> None:
    assert read_state_dict(save_nested(tmp_path / "w.pth"), key)["w"] == value


@pytest.mark.parametrize("key", [None, "nets", "gen"])
def test_an_undecided_or_unknown_key_lists_the_choices(key: str | None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nets\.a.*nets\.b.*g_ema"):
        read_state_dict(save_nested(tmp_path / "w.pth"), key)


def test_a_key_may_be_the_prefix_of_a_flat_file(tmp_path: Path) -> None:
    write_state_dict(tmp_path / "w.npz", {"gen.enc.w": np.zeros(1), "dis.w": np.ones(1)})
    assert read_state_dict(tmp_path / "w.npz", "gen").keys() == {"enc.w"}

"""Wrong command lines end in one line that says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--config", "configs/spade.py:nothing"], "has no preset 'nothing'; choose one of scenes, cityscapes"),
        (["--config", "configs/nothing.py"], "No such file or directory: 'configs/nothing.py'"),
        (["--config", "configs/spade.py", "--config.nothing=1"], "the config has no key 'nothing'"),
        (["--config", "configs/spade.py", "--config.batch_size=many"], "--config.batch_size=many: invalid literal"),
        (["--config", "configs/spade.py", "--config.mesh.data=999"], "need 999 devices"),
        (["--config", "configs/spade.py:custom"], "loss.vgg_weights is not set"),
    ],
)
def test_training_with_a_wrong_argument_ends_in_one_line(tmp_path, arguments, told):
    command = [sys.executable, "train.py", "--workdir", str(tmp_path / "run"), *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    errors = [line for line in ended.stderr.splitlines() if line]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert told in errors[0]
    assert not (tmp_path / "run").exists()

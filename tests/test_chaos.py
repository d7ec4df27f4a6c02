"""A run that is killed and resumed ends as one that nobody disturbed; `python -m tests.chaos` in short."""

import os
import subprocess
import sys

from tests.processes import ROOT

# Of which the first kills are SIGTERM among the steps and SIGKILL while a checkpoint is being written.
SEED = 35


def test_a_run_survives_being_killed():
    command = [sys.executable, "-m", "tests.chaos", "--kills", "2", "--seed", str(SEED)]
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert "kills: 2 (SIGKILL saving 1, SIGTERM steps 1)" in ended.stdout
    assert "equal to the undisturbed run's bit for bit" in ended.stdout

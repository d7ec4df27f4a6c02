"""However a step is spread over devices, it computes the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meshes import MESHES

ROOT = Path(__file__).parent.parent.parent

LOSSES = """
import json
from tests.meshes import MESHES, losses, parse_mesh
from tests.tiny import baseline_config

config = baseline_config()
print(json.dumps({mesh: losses(config, parse_mesh(mesh), steps=5) for mesh in ("data=1", *MESHES)}))
"""


@pytest.fixture(scope="module")
def losses():
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    ended = subprocess.run(
        [sys.executable, "-c", LOSSES], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize(("step", "tolerance"), [(1, 1e-5), (5, 1e-3)])
def test_eight_devices_give_the_losses_of_one(losses, mesh, step, tolerance):
    one, eight = (losses[key][step - 1] for key in ("data=1", mesh))
    assert eight == pytest.approx(one, rel=tolerance, abs=tolerance * 1e-2)

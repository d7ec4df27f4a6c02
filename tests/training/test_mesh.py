"""However a step is spread over devices, it computes the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent

LOSSES = """
import json, sys
from functools import partial
import jax
from jaxsyn.data import train_batches
from jaxsyn.training.runs import make_run
from jaxsyn.training.sharding import put_batch
from jaxsyn.training.step import train_step
from tests.tiny import baseline_config

losses = {}
for mesh in ({"data": 1}, {"data": 8}, {"data": 4, "space": 2}, {"data": 4, "fsdp": 2}):
    config = baseline_config()
    config.batch_size = 8
    config.mesh.update(mesh)
    run = make_run(config)
    state, shardings = run.initial_state(), jax.tree.map(lambda leaf: leaf.sharding, run.template)
    step = jax.jit(partial(train_step, run.method, config), donate_argnums=0, out_shardings=(shardings, None))
    batches = iter(train_batches(config))
    values = []
    for _ in range(5):
        state, terms = step(state, {}, put_batch(run.mesh, next(batches)))
        values.append({name: float(term) for name, term in terms.items()})
    losses[json.dumps(mesh)] = values
print(json.dumps(losses))
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


@pytest.mark.parametrize("mesh", [{"data": 8}, {"data": 4, "space": 2}, {"data": 4, "fsdp": 2}])
@pytest.mark.parametrize(("step", "tolerance"), [(1, 1e-5), (5, 1e-3)])
def test_eight_devices_give_the_losses_of_one(losses, mesh, step, tolerance):
    one, eight = (losses[json.dumps(key)][step - 1] for key in ({"data": 1}, mesh))
    assert eight == pytest.approx(one, rel=tolerance, abs=tolerance * 1e-2)

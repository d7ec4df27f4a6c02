import json
import os
import socket
import subprocess
import sys

import pytest


def evaluate(port, count, index, cache):
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "JAXSYN_WEIGHTS": str(cache / str(index))}
    command = [sys.executable, "-m", "tests.evaluation.two_processes", str(port), str(count), str(index)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err[-2000:]
    return json.loads(out.splitlines()[-1])


def test_two_processes_that_share_the_images_find_the_scores_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    alone = finish(evaluate(port, 1, 0, tmp_path / "alone"))
    first, second = [finish(p) for p in [evaluate(port, 2, index, tmp_path / "both") for index in range(2)]]
    assert first == second
    assert first["scores"] == pytest.approx(alone["scores"], rel=1e-4)
    assert first["best"] == alone["best"]

"""Artefacts that run without the library."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsyn
from jaxsyn.errors import UserError
from jaxsyn.interop.stablehlo import describe, export_function, parse_controls
from tests.tiny import SIZE, baseline_config, save_run

RUN_ARTEFACT = """
import sys
import numpy as np
from pathlib import Path
from jax import export

label = np.load(sys.argv[2])
images = export.deserialize(Path(sys.argv[1]).read_bytes()).call({"label": label, "instance": label}, 5)
np.save(sys.argv[3], images)
assert "jaxsyn" not in sys.modules
"""

CONFIG = """
from tests.tiny import baseline_config

def get_config():
    config = baseline_config()
    config.model.init_gain = 0.1  # larger weights of so few channels would enlarge rounding
    return config
"""


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    config = baseline_config()
    config.model.init_gain = 0.1
    path = tmp_path_factory.mktemp("run")
    save_run(config, path)
    return path


def test_the_artefact_makes_the_images_of_generate_for_any_batch_size_without_the_library(workdir, tmp_path):
    config = tmp_path / "tiny.py"
    config.write_text(CONFIG)
    command = ["-m", "jaxsyn.interop", "export", f"--config={config}", f"--workdir={workdir}", "--format=stablehlo"]
    subprocess.run([sys.executable, *command, f"--output={tmp_path}"], check=True)
    label = (np.arange(3 * SIZE * SIZE) % 12).astype(np.int32).reshape(3, SIZE, SIZE)
    np.save(tmp_path / "label.npy", label)
    arguments = [str(tmp_path / name) for name in ("generate.stablehlo", "label.npy", "images.npy")]
    subprocess.run([sys.executable, "-c", RUN_ARTEFACT, *arguments], check=True, cwd=tmp_path)
    expected = jaxsyn.load(workdir).generate({"label": label, "instance": label}, seed=5)
    np.testing.assert_allclose(np.load(tmp_path / "images.npy"), expected, atol=1e-5)
    described = json.loads((tmp_path / "generate.json").read_text())
    assert described["inputs"] == dict.fromkeys(("instance", "label"), f"int32[batch,{SIZE},{SIZE}]")
    assert (described["method"], described["step"]) == ("spade", 0)
    assert described["platforms"] == ["cpu", "cuda", "tpu"]


def test_inputs_that_the_images_do_not_depend_on_are_left_out():
    def function(inputs, seed):
        return inputs["a"] + jnp.ones_like(inputs["b"]) + seed

    (batch,) = jax.export.symbolic_shape("batch")
    shapes = {name: jax.ShapeDtypeStruct((batch, 2), jnp.float32) for name in ("a", "b")}
    exported = export_function(function, shapes, platforms=("cpu",))
    assert describe(exported)["inputs"] == {"a": "float32[batch,2]"}
    np.testing.assert_array_equal(exported.call({"a": np.ones((4, 2), np.float32)}, 3), np.full((4, 2), 5))


def test_a_control_is_an_input_or_fixed():
    shapes, fixed = parse_controls(["style=float32[batch,256]", "way=cycle", "share=0.5"], 7)
    assert shapes["style"].shape == (7, 256)
    assert fixed == {"way": "cycle", "share": 0.5}


@pytest.mark.parametrize(("text", "message"), [("style", "give NAME=VALUE"), ("style=real[b,2]", "not a shape")])
def test_a_control_that_is_none_is_an_error(text, message):
    with pytest.raises(UserError, match=message):
        parse_controls([text], 1)

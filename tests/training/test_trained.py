"""What `jaxsyn.load` gives."""

import jax
import numpy as np
import pytest

import jaxsyn
from jaxsyn.errors import UserError
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.runs import make_run
from jaxsyn.training.stages import checkpoint_directory
from jaxsyn.training.state import inference_nets
from jaxsyn.training.trained import Trained
from tests.tiny import SIZE, baseline_config, save_run

LABEL = np.arange(2 * SIZE * SIZE).reshape(2, SIZE, SIZE) % 12


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    config = baseline_config()
    config.ema.decay = 0.5
    config.mesh.data = -1
    path = tmp_path_factory.mktemp("run")
    state = save_run(config, path)
    checkpoints = Checkpoints(checkpoint_directory(path, config))
    # A moving average that is not the parameters.
    checkpoints.save(3, state.replace(step=state.step + 3, ema=jax.tree.map(lambda leaf: leaf / 2, state.ema)))
    checkpoints.close()
    return path


@pytest.fixture(scope="module")
def trained(workdir):
    return jaxsyn.load(workdir)


def batch():
    return {"label": LABEL, "instance": LABEL}


def test_it_makes_the_images_of_the_newest_checkpoints_average(workdir, trained):
    assert isinstance(trained, Trained)
    assert trained.step == 3
    run = make_run(trained.config)
    checkpoints = Checkpoints(checkpoint_directory(workdir, trained.config))
    nets = inference_nets(run.method, checkpoints.restore(3, run.template), use_ema=True)
    checkpoints.close()
    expected = jax.jit(lambda b: run.method.generate(nets, b, jax.random.key(0)))(batch())
    np.testing.assert_allclose(trained.generate(batch()), expected, atol=1e-4)
    assert expected.shape == (2, SIZE, SIZE, 3)


def test_the_directory_of_a_checkpoint_chooses_it(workdir, trained):
    first = jaxsyn.load(workdir / "checkpoints" / "0")
    assert first.step == jaxsyn.load(workdir, step=0).step == 0
    assert np.abs(first.generate(batch()) - trained.generate(batch())).max() > 1e-3


def test_a_run_of_many_devices_is_loaded_on_one(trained):
    assert dict(trained.config.mesh) == {"data": 1, "space": 1, "fsdp": 1}
    assert len(trained.generate(batch()).devices()) == 1


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"label": LABEL + 1}, "label holds 12: the classes are 0 to 11"),
        ({"label": LABEL / 2}, "label of float64"),
        ({"label": LABEL[0]}, r"expected integers \[B, H, W\]"),
        ({"label": None}, "the batch has no 'label'"),
    ],
)
def test_a_batch_that_makes_no_sense_is_an_error(trained, entries, message):
    given = {name: array for name, array in (batch() | entries).items() if array is not None}
    with pytest.raises(UserError, match=message):
        trained.generate(given)


def test_a_control_that_the_method_lacks_is_an_error(trained):
    with pytest.raises(UserError, match="spade has no control colour"):
        trained.generate(batch(), colour="red")


def test_what_holds_no_run_is_an_error(tmp_path):
    with pytest.raises(UserError, match="holds no run"):
        jaxsyn.load(tmp_path)

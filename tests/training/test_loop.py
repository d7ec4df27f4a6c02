"""Training resumes exactly, stops where it must, and loses nothing."""

import json
import os
import signal

import jax
import numpy as np
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training import loop
from jaxsyn.training.checkpoints import Checkpoints, steps_in
from jaxsyn.training.loop import train
from jaxsyn.training.runs import make_run
from jaxsyn.training.workdir import CHECKPOINTS, METRICS
from tests.logged import entries, terms
from tests.tiny import baseline_config


def config(**changes):
    config = baseline_config()
    config.num_steps, config.log_every, config.checkpoint_every, config.image_every = 6, 1, 3, 0
    config.data.train_length = 12
    config.update(changes)
    return config


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("whole")
    train(config(), workdir)
    return workdir


def test_three_steps_and_three_more_log_what_six_steps_log_bit_for_bit(whole_run, tmp_path):
    train(config(num_steps=3), tmp_path)
    train(config(), tmp_path)
    assert terms(tmp_path) == terms(whole_run)


def test_a_run_killed_after_its_checkpoint_logs_every_step_once(whole_run, tmp_path):
    train(config(num_steps=3), tmp_path)
    with (tmp_path / METRICS).open("a") as log:
        log.write(json.dumps({"step": 4, "generator/total": 0.0}) + '\n{"step": 5, "gener')
    train(config(), tmp_path)
    assert terms(tmp_path) == terms(whole_run)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_asked_to_stop_saves_its_step_and_goes_on_from_there(whole_run, tmp_path, capsys, number):
    def ask(run, state):
        if state.step == 1:
            os.kill(os.getpid(), number)
        return {}

    train(config(eval_every=1, checkpoint_every=100), tmp_path, ask)
    assert f"stopped by {number.name}; the same command goes on from step 2" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    train(config(), tmp_path)
    assert terms(tmp_path) == terms(whole_run)


def test_a_run_that_is_asked_to_stop_before_its_first_step_stops_at_once(tmp_path, capsys, monkeypatch):
    def ask(config):
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("goes on")

    monkeypatch.setattr(loop, "make_run", ask)
    train(config(), tmp_path)
    assert "stopped by SIGTERM; the same command goes on from step 0" in capsys.readouterr().out
    assert not (tmp_path / METRICS).exists()


def test_a_step_whose_evaluation_fails_is_saved(tmp_path):
    def fail(run, state):
        raise OSError("no weights")

    with pytest.raises(OSError, match="no weights"):
        train(config(eval_every=3), tmp_path, fail)
    assert steps_in(tmp_path / CHECKPOINTS) == [3]


def test_who_is_asked_twice_stops_at_once(tmp_path, capsys):
    def insist(run, state):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        return {}

    train(config(eval_every=1), tmp_path, insist)
    assert "goes on from step 0" in capsys.readouterr().out


def test_every_term_of_every_phase_is_logged_by_name(whole_run):
    expected = {"generator/adversarial", "generator/feature_matching", "generator/total"}
    expected |= {"discriminator/real", "discriminator/fake", "discriminator/total"}
    assert [entry.keys() - {"step"} for entry in terms(whole_run)] == [expected] * 6


def test_every_logged_step_has_its_costs_beside_its_terms(whole_run):
    for entry in entries(whole_run):
        assert entry["time/step"] > 0
        assert 0 <= entry["time/data_share"] <= 1
        assert entry["time/images_per_second_per_device"] > 0
        assert entry["compile/count"] >= 1
        assert entry["compile/seconds"] > 0


def test_a_finished_run_has_nothing_to_do(whole_run, capsys):
    before = (whole_run / METRICS).read_text()
    train(config(), whole_run)
    assert "nothing to do" in capsys.readouterr().out
    assert (whole_run / METRICS).read_text() == before


def test_a_workdir_of_another_model_is_refused_by_the_key_that_differs(whole_run):
    other = config()
    other.model.resnet.width = 3
    with pytest.raises(UserError, match=r"model\.resnet\.width: 2 -> 3"):
        train(other, whole_run)


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_last_good_checkpoint(tmp_path):
    train(config(num_steps=3), tmp_path)
    broken = config()
    broken.optimizer.learning_rate.generator = 1e30
    with pytest.raises(UserError, match=r"step 4: .* = (nan|-?inf).*checkpoint is that of step 3"):
        train(broken, tmp_path, accept_changes=True)
    checkpoints = Checkpoints(tmp_path / CHECKPOINTS)
    assert checkpoints.steps() == [3]
    state = checkpoints.restore(3, make_run(config()).template)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))
    checkpoints.close()


def test_a_workdir_that_cannot_be_made_is_an_error_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --workdir"):
        train(config(), tmp_path / "file" / "run")

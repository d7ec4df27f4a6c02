from functools import partial

import jax
import numpy as np
import pytest

from configs.domain_classifier import get_config
from jaxsyn.data import train_batches
from jaxsyn.training.runs import make_run
from jaxsyn.training.state import inference_nets
from jaxsyn.training.step import train_step


@pytest.fixture(scope="module")
def trained():
    config = get_config()
    config.model.widths = (4, 6)
    config.data.domains = ("day", "night")
    config.data.height = config.data.width = 16
    config.data.train_length = 40
    config.batch_size = 8
    config.mesh.data = 1
    config.optimizer.learning_rate.classifier = 2e-2
    config.optimizer.decay_steps = 0
    run = make_run(config)
    state, batches = run.initial_state(), train_batches(config)
    step = jax.jit(partial(train_step, run.method, config))
    logs = []
    for _ in range(40):
        state, terms = step(state, {}, next(batches))
        logs.append({name: float(value) for name, value in terms.items()})
    return run.method, state, logs, next(batches)


def test_training_learns_to_tell_day_from_night(trained):
    _, _, logs, _ = trained
    accuracies = [terms["classifier/accuracy"] for terms in logs]
    assert np.mean(accuracies[-10:]) > 0.9 > accuracies[0]
    assert logs[-1]["classifier/cross_entropy"] < logs[0]["classifier/cross_entropy"]


def test_the_generated_picture_has_the_higher_bar_over_the_domain_that_it_is_of(trained):
    method, state, _, batch = trained
    nets = inference_nets(method, state, use_ema=False)
    picture = np.asarray(jax.jit(lambda: method.generate(nets, batch, jax.random.key(0)))())
    white = (picture == 1).all(-1)
    higher = white[:, :, 8:].sum((1, 2)) > white[:, :, :8].sum((1, 2))
    assert (higher == batch["domain"]).mean() > 0.7

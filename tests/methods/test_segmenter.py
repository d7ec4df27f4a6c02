from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from configs.segmenter import get_config
from jaxsyn.methods.segmenter import balanced_cross_entropy
from jaxsyn.training.runs import make_run
from jaxsyn.training.state import inference_nets
from jaxsyn.training.step import train_step


@pytest.fixture(scope="module")
def config():
    config = get_config()
    config.model.widths = (4, 6)
    config.data.height = config.data.width = 16
    config.batch_size = 2
    config.mesh.data = 1
    config.optimizer.learning_rate.segmenter = 1e-2
    config.optimizer.decay_steps = 0
    return config


@pytest.fixture(scope="module")
def batch():
    """Two flat halves, whose colours give their classes away."""
    label = np.zeros((2, 16, 16), np.int32)
    label[:, 8:] = 3
    image = np.where(label[..., None] == 3, 0.8, -0.8) * np.ones(3)
    return {"image": jnp.asarray(image, jnp.float32), "label": jnp.asarray(label), "domain": jnp.zeros(2, jnp.int32)}


@pytest.fixture(scope="module")
def trained(config, batch):
    run = make_run(config)
    state = run.initial_state()
    step = jax.jit(partial(train_step, run.method, config))
    logs = []
    for _ in range(60):
        state, terms = step(state, {}, batch)
        logs.append({name: float(value) for name, value in terms.items()})
    return run.method, state, logs


def test_training_learns_the_class_of_every_pixel(trained):
    _, _, logs = trained
    assert logs[0]["segmenter/accuracy"] < 0.9
    assert logs[-1]["segmenter/accuracy"] == 1.0
    assert logs[-1]["segmenter/cross_entropy"] < 0.3


def test_the_generated_picture_shows_each_predicted_class_in_its_colour(trained, config, batch):
    method, state, _ = trained
    nets = inference_nets(method, state, use_ema=False)
    picture = jax.jit(lambda: method.generate(nets, batch, jax.random.key(0)))()
    shown = np.round((np.asarray(picture) + 1) * 127.5).astype(int)
    inside = (slice(None), slice(2, 6)), (slice(None), slice(10, 14))
    for window, label in zip(inside, (0, 3), strict=True):
        assert (shown[window] == np.array(config.model.palette[label])).mean() > 0.9


@pytest.fixture
def uneven():
    """Logits, and labels of which a quarter is class 1."""
    logits = jax.random.normal(jax.random.key(0), (1, 2, 4, 3))
    return logits, jnp.array([[[0, 0, 0, 1], [0, 0, 0, 1]]])


def test_without_balance_the_loss_is_the_mean_cross_entropy(uneven):
    logits, label = uneven
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, label).mean()
    assert balanced_cross_entropy(logits, label, 0.0) == pytest.approx(float(expected), rel=1e-6)


def test_with_full_balance_every_class_present_weighs_the_same(uneven):
    logits, label = uneven
    pixels = optax.softmax_cross_entropy_with_integer_labels(logits, label)
    expected = (pixels[label == 0].mean() + pixels[label == 1].mean()) / 2
    assert balanced_cross_entropy(logits, label, 1.0) == pytest.approx(float(expected), rel=1e-6)

"""What a trained run becomes outside of this library."""

import importlib

import jax
import jax.numpy as jnp
import pytest

from jaxsyn.methods import Nets, method_names
from jaxsyn.training.artefact import trace_generate
from jaxsyn.training.runs import make_run
from jaxsyn.training.state import modules


@pytest.mark.parametrize("name", method_names())
def test_every_method_makes_images_for_any_batch_size(name):
    run = make_run(importlib.import_module(f"configs.{name}").get_config())
    params, states = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), (run.template.params, run.template.states)
    )
    nets = Nets(modules(run.method), params, states, train=False)
    exported, _ = trace_generate(run.method, nets, platforms=("cpu",))
    (images,) = exported.out_avals
    assert images.shape[1:] == (run.config.data.height, run.config.data.width, 3)
    assert not isinstance(images.shape[0], int)

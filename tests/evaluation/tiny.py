"""Methods without networks, as runs to be evaluated."""

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsyn.methods import Method
from jaxsyn.training.config import default_config
from jaxsyn.training.runs import Run
from jaxsyn.training.sharding import make_mesh
from jaxsyn.training.state import TrainState


class Untrained(Method):
    """A method of no networks; its subclasses make images from the batch alone."""

    def networks(self):
        return {}

    def phases(self):
        return ()


class Copy(Untrained):
    def generate(self, nets, batch, rng):
        return batch["image"]


class Dim(Untrained):
    def generate(self, nets, batch, rng):
        return 0.8 * batch["image"]


class Noise(Untrained):
    def generate(self, nets, batch, rng):
        return jax.random.uniform(rng, batch["image"].shape, minval=-1)


class Diverged(Untrained):
    def generate(self, nets, batch, rng):
        return batch["image"] * jnp.where(batch["image"][:, :1, :1, :1] > 2, 1, jnp.nan)


def tiny_config() -> ConfigDict:
    """Ten scenes of 32x32 in batches of four, of which the last is half full."""
    config = default_config()
    config.method = "tiny"
    config.mesh.data = 1
    config.data.height = config.data.width = 32
    config.data.eval_length = 10
    config.eval.batch_size = 4
    return config


def tiny_run(kind: type[Method], config: ConfigDict) -> tuple[Run, TrainState]:
    """A method of this module as a run, and its empty state of step 7."""
    run = Run(config, kind(config), make_mesh(config), {}, None)
    return run, TrainState(step=jnp.int32(7), params={}, states={}, optimizers={}, ema={})

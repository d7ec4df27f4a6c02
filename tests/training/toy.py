"""A method so small that its numbers can be worked out by hand."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.layers import InstanceNorm
from jaxsyn.methods import Method, Nets, Phase
from jaxsyn.training.config import default_config
from jaxsyn.training.state import TrainState, initial_state
from tests.arrays import normal

SIZE = 16
SCALES = {"generator": 2.0, "discriminator": 3.0}


class Scale(nn.Module):
    """scale * x, and a count of its calls in training mode."""

    start: float

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        calls = self.variable("batch_stats", "calls", jnp.zeros, ())
        if self.is_mutable_collection("batch_stats") and not self.is_initializing():
            calls.value += 1
        return self.param("scale", lambda _: jnp.float32(self.start)) * x


class NormalizedScale(nn.Module):
    """A convolution between instance norms: every image by itself."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Conv(2, (3, 3))(InstanceNorm(affine=True)(x))


Loss = Callable[[Nets, Any, jax.Array], Any]


def square_of(name: str) -> Loss:
    """The mean square of a network's output, which is its one term."""

    def loss(nets: Nets, batch: Any, rng: jax.Array) -> Any:
        value = jnp.square(getattr(nets, name)(batch["image"])).mean()
        return value, {"square": value}

    return loss


class Toy(Method):
    """A generator and a discriminator that multiply by 2 and by 3, each to be made small."""

    def __init__(self, config: ConfigDict, phases: tuple[Phase, ...] | None = None):
        super().__init__(config)
        self.given = phases or tuple(Phase(name, (name,), square_of(name)) for name in SCALES)

    def networks(self) -> dict[str, nn.Module]:
        return {name: Scale(start) for name, start in SCALES.items()}

    def phases(self) -> tuple[Phase, ...]:
        return self.given

    def generate(self, nets: Nets, batch: Any, rng: jax.Array, **controls: Any) -> jax.Array:
        return nets.generator(batch["image"])


class NormalizedToy(Toy):
    """The same with a generator of instance norms alone."""

    def networks(self) -> dict[str, nn.Module]:
        return {**super().networks(), "generator": NormalizedScale()}


def toy_config(**options: Any) -> ConfigDict:
    """Plain Adam; options by their dotted names."""
    config = default_config()
    config.batch_size = 4
    config.data.height = config.data.width = config.data.load_size = SIZE
    config.data.train_length, config.data.eval_length = 8, 4
    config.optimizer.learning_rate = ConfigDict({"generator": 0.1, "discriminator": 0.01})
    config.update_from_flattened_dict(options)
    return config


BATCH = {"image": np.abs(normal(4, SIZE, SIZE, 3))}


def toy_state(method: Toy) -> TrainState:
    """The state before the first step."""
    return jax.jit(lambda: initial_state(method, method.config, {}, BATCH))()

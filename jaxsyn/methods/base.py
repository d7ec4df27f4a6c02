"""What a method is: networks, the optimiser updates of a training step, and how images are made."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from jaxsyn.methods.nets import Nets

Batch = Mapping[str, jax.Array]
Terms = dict[str, jax.Array]
Rules = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Phase:
    """One optimiser update of a training step.

    Attributes:
        name: the prefix of its terms in the logs.
        trains: names of the networks whose parameters it updates.
        loss: pure function (nets, batch, rng) -> (scalar to minimise, terms to log by name, unweighted).
        every: the update is made in every so many steps.
        first: the first step in which it is made.
        times: in how many steps in a row, each time.
        beside: whether its gradient is taken at the parameters at which the phase before it, which has the same
            steps, took its own; the update is of those that it left.
    """

    name: str
    trains: tuple[str, ...]
    loss: Callable[[Nets, Batch, jax.Array], tuple[jax.Array, Terms]]
    every: int = 1
    first: int = 0
    times: int = 1
    beside: bool = False

    @property
    def schedule(self) -> tuple[int, int, int]:
        """In which steps the update is made: equal for phases that are made in the same."""
        return self.every, self.first, self.times

    def is_due(self, step: int | jax.Array) -> bool | jax.Array:
        """Whether the update is made in a step; they are counted from zero."""
        return (step - self.first) % self.every < self.times


@dataclasses.dataclass(frozen=True)
class Frozen:
    """A network with given weights that no phase trains (VGG in a perceptual loss).

    Attributes:
        weights: path of a file that holds its state dict under the original names; "" where the config has none.
        remedy: what to tell who trains without the file: which one it is, and how to do without.
        rules: renamings from our parameter names to those of the file.
        inputs: shape of an input, for checking the file before it is used.
        generates: whether `generate` calls it too, and not only losses.
    """

    module: nn.Module
    weights: str
    remedy: str
    rules: Rules
    inputs: tuple[int, ...]
    generates: bool = False


class Method(ABC):
    """A paper's system. Subclasses live one a file in `jaxsyn.methods` and hold no state but their config."""

    def __init__(self, config: ConfigDict):
        self.config = config

    @property
    def dtype(self) -> jnp.dtype:
        """What networks compute in; parameters and statistics are float32 always."""
        return jnp.dtype(self.config.compute_dtype)

    @property
    def num_classes(self) -> int:
        """Classes of a label map, the unknown one included where the data set has it."""
        return self.config.data.num_classes + (self.config.data.unknown_label is not None)

    @abstractmethod
    def networks(self) -> dict[str, nn.Module]:
        """Name -> module of every network that is trained."""

    @abstractmethod
    def phases(self) -> tuple[Phase, ...]:
        """The updates of one training step, in order."""

    @abstractmethod
    def generate(self, nets: Nets, batch: Batch, rng: jax.Array, **controls: Any) -> jax.Array:
        """Images [B, H, W, 3] in [-1, 1]; what a method can be told beside the batch are its keyword arguments."""

    @property
    def has_class_latents(self) -> bool:
        """Whether each class of a label map has a latent of its own, so that `resample_class` works."""
        return False

    def resample_class(
        self, nets: Nets, batch: Batch, rng: jax.Array, class_id: jax.Array, class_rng: jax.Array
    ) -> jax.Array:
        """Images as `generate` draws them by `rng`, but for the latents of one class, which `class_rng` draws.

        Args:
            class_id: scalar, the class as batch["label"] numbers it.
        """
        raise NotImplementedError(f"{type(self).__name__} has no latents of classes")

    def frozen(self) -> dict[str, Frozen]:
        """Name -> network with given weights; available to losses by name, like the others."""
        return {}

    def checkpoint_names(self) -> dict[str, Rules]:
        """Network -> regular expressions with replacements that turn our parameter names into the authors'."""
        return {}

    def unused_entries(self) -> dict[str, tuple[str, ...]]:
        """Network -> regular expressions of entries that the authors' checkpoints hold without any use."""
        return {}

    def idle_parameters(self) -> dict[str, tuple[str, ...]]:
        """Network -> regular expressions, searched for in dotted names, of parameters that nothing is computed from.

        The authors' checkpoints hold them. They stay as they are, where weight decay would move them.
        """
        return {}

    def protocol(self) -> dict[str, Any]:
        """What scores depend on in how `generate` tests by default, for the record that stands beside them."""
        return {}

    def weigh(self, terms: Terms) -> tuple[jax.Array, Terms]:
        """The sum of the terms by their weights in `config.loss.weights`, and the terms as they are.

        A term NAME_X, of a domain X, has the weight of NAME where there is none of its own.
        """
        weights = self.config.loss.weights
        names = {name: name if name in weights else name.rpartition("_")[0] for name in terms}
        return sum(weights[names[name]] * term for name, term in terms.items()), terms

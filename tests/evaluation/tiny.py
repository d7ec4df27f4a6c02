"""Methods without networks, as runs to be evaluated; networks and weights that stand for the public ones."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxsyn.evaluation.weights import LoadedWeights
from jaxsyn.methods import Method
from jaxsyn.training.config import default_config
from jaxsyn.training.mesh import make_mesh
from jaxsyn.training.runs import Run
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


class MeanColour(nn.Module):
    """Stands for Inception: four features of an image, five logits."""

    @nn.compact
    def __call__(self, images):
        features = np.float32([1, 2, 3, 4]) * images.mean((1, 2, 3))[:, None] + images[:, 0, 0, :1] ** 2
        return {"2048": features, "logits_unbiased": nn.Dense(5, name="fc")(features)}


class Taps(nn.Module):
    """Stands for a backbone of LPIPS: two taps of three channels."""

    @nn.compact
    def __call__(self, images):
        first = nn.Conv(3, (3, 3), name="features_0")(images)
        return first, nn.relu(first[:, ::2, ::2])


def load_ones(name, template, rules=(), path=None, download=False) -> LoadedWeights:
    """Stands for `load_weights`: every file is there, and all of its values are one."""
    shapes: Mapping[str, Any] = template() if callable(template) else template
    return LoadedWeights(jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), shapes), f"{name}.npz", "beef")


def tiny_config() -> ConfigDict:
    """Ten scenes of 32x32 in batches of four, of which the last is half full."""
    config = default_config()
    config.method = "tiny"
    config.mesh.data = 1
    config.data.height = config.data.width = 32
    config.data.eval_length = 10
    config.eval.batch_size = 4
    config.eval.metrics = ("ssim", "psnr", "l1", "scenes")
    return config


def tiny_run(kind: type[Method], config: ConfigDict) -> tuple[Run, TrainState]:
    """A method of this module as a run, and its empty state of step 7."""
    run = Run(config, kind(config), make_mesh(config), None)
    return run, TrainState(step=jnp.int32(7), params={}, states={}, optimizers={}, ema={})


class Blobs(Untrained):
    """Every class has a grey of its own, which leaks to its neighbours by `LEAK`."""

    LEAK = 0.0
    has_class_latents = True

    def generate(self, nets, batch, rng):
        return self.resample_class(nets, batch, rng, jnp.int32(0), rng)

    def resample_class(self, nets, batch, rng, class_id, class_rng):
        greys = jax.random.uniform(rng, (self.num_classes,), minval=-1)
        new = jax.random.uniform(class_rng, minval=-1)
        label = batch["label"]
        image = jnp.where(label == class_id, new, greys[label] + self.LEAK * new)
        return jnp.broadcast_to(image[..., None], (*label.shape, 3))


class LeakyBlobs(Blobs):
    LEAK = 0.1

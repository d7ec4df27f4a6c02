"""The smallest recipes that still have every part."""

from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from configs.spade import get_config
from jaxsyn.layers import SPADE, Conv, LabelConv, LabelMap, upsample_nearest
from jaxsyn.methods.spade import Spade
from jaxsyn.networks.spade_decoder import SpadeBlock
from jaxsyn.training.checkpoints import Checkpoints
from jaxsyn.training.runs import make_run
from jaxsyn.training.stages import checkpoint_directory
from jaxsyn.training.state import TrainState
from jaxsyn.training.workdir import open_workdir

SIZE = 32


def spade_config() -> ConfigDict:
    """SPADE on `scenes` at 32x32, two channels wide."""
    config = get_config()
    config.batch_size = 4
    config.data.height = config.data.width = config.data.load_size = SIZE
    config.data.train_length, config.data.eval_length = 16, 4
    config.model.generator.width, config.model.generator.hidden = 2, 4
    config.model.discriminator.width, config.model.discriminator.num_layers = 2, 2
    return config


def baseline_config() -> ConfigDict:
    """The same with pix2pixHD's generator, which compiles in a fraction of the time; has batch statistics too."""
    config = spade_config()
    config.model.architecture = "pix2pixhd"
    config.model.resnet.update(width=2, num_downsamplings=1, num_blocks=1, initial_kernel_size=3, norm="batch")
    config.model.discriminator.num_scales = 1
    return config


def save_run(config: ConfigDict, workdir: Path) -> TrainState:
    """Makes a run with its initial state as the checkpoint of step 0."""
    state = make_run(config).initial_state()
    checkpoints = Checkpoints(checkpoint_directory(open_workdir(workdir, config), config))
    checkpoints.save(0, state)
    checkpoints.close()
    return state


class TwoBlockGenerator(nn.Module):
    """SPADE's generator cut down to two of its blocks: a quarter of its time to compile."""

    norm: str = "syncbatch"
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, label: LabelMap) -> jnp.ndarray:
        options = {"norm": partial(SPADE, self.norm, hidden=4, dtype=self.dtype), "dtype": self.dtype}
        x = LabelConv(6, name="fc", dtype=self.dtype)(label.resize(SIZE // 4, SIZE // 4))
        x = upsample_nearest(SpadeBlock(4, name="head", **options)(x, label))
        x = upsample_nearest(SpadeBlock(4, name="up", **options)(x, label))
        return jnp.tanh(Conv(3, name="conv_img", dtype=self.dtype)(x).astype(jnp.float32))


class TwoBlockSpade(Spade):
    """SPADE with `TwoBlockGenerator`."""

    def networks(self) -> dict[str, nn.Module]:
        return {**super().networks(), "generator": TwoBlockGenerator(self.config.model.generator.norm, self.dtype)}

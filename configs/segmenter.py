"""The segmenter that judges generated `scenes`.

    python train.py --config configs/segmenter.py --workdir runs/segmenter
    python -m jaxsyn.evaluation.segmenter --workdir runs/segmenter

The second command measures the trained network and writes its weights into the package, where eval.py finds them.
"""

from ml_collections import ConfigDict

from jaxsyn.data import palette
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe of the packaged weights; `scenes` is the only preset."""
    if preset != "scenes":
        raise UserError(f"configs/segmenter.py has no preset {preset!r}; choose scenes")
    config = default_config()
    config.method = "segmenter"
    config.batch_size = 8
    config.num_steps = 600
    config.checkpoint_every = 200
    config.image_every = 300

    config.data.domain = "all"
    config.data.height = config.data.width = 96
    config.data.train_length = 10_000

    config.model = ConfigDict({"widths": (16, 32, 64, 96)})
    config.model.palette = tuple(map(tuple, palette(config.data.num_classes, "scenes").tolist()))

    config.loss = ConfigDict({"class_balance": 0.5})
    config.loss.degrade = ConfigDict({"blur": 1.0, "noise": 0.15, "light": 0.15})

    config.optimizer.b1, config.optimizer.b2 = 0.9, 0.99
    config.optimizer.learning_rate.segmenter = 4e-3
    config.optimizer.decay_steps = config.num_steps
    return config

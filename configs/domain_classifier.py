"""The classifier that judges the domains of translated `scenes`.

    python train.py --config configs/domain_classifier.py --workdir runs/domains
    python -m jaxsyn.evaluation.domain_classifier --workdir runs/domains

The second command measures the trained network and writes its weights into the package, where eval.py finds them.
"""

from ml_collections import ConfigDict

from jaxsyn.data.scenes import DOMAINS
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe of the packaged weights; `scenes` is the only preset."""
    if preset != "scenes":
        raise UserError(f"configs/domain_classifier.py has no preset {preset!r}; choose scenes")
    config = default_config()
    config.method = "domain_classifier"
    config.batch_size = 16
    config.num_steps = 150
    config.checkpoint_every = config.image_every = 150

    config.data.domains = DOMAINS

    config.model = ConfigDict({"widths": (16, 32, 48)})

    config.loss = ConfigDict()
    config.loss.degrade = ConfigDict({"blur": 1.0, "noise": 0.15, "light": 0.1})

    config.optimizer.b1, config.optimizer.b2 = 0.9, 0.99
    config.optimizer.learning_rate.classifier = 4e-3
    config.optimizer.decay_steps = config.num_steps
    return config

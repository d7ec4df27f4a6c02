"""DRIT++ for several domains in one model (MDMM; Lee et al., IJCV 2020).

    python train.py --config configs/drit_domains.py --workdir runs/domains
    python train.py --config configs/drit_domains.py:weather --workdir runs/weather --config.data.root=/data/weather

Presets: `scenes` (the default: day, dusk, night and winter, in minutes on two CPU cores); the authors' `art` (photos,
Monet, ukiyo-e) and `weather` (sunny, cloudy, snowy, foggy); and `custom`, with --config.data.domains, for folders of
your own. Sets are read from train/DOMAIN and test/DOMAIN below data.root.
"""

from ml_collections import ConfigDict

from configs.drit import common_model, common_optimizer, duration, folders, small
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

JUDGES = ("discriminator", "random_discriminator")
DOMAINS = {
    "scenes": ("day", "dusk", "night", "winter"),
    "art": ("photo", "monet", "ukiyoe"),
    "weather": ("sunny", "cloudy", "snowy", "foggy"),
    "custom": (),
}
# Images of the largest domain: of `art` the photos; the authors say nothing of `weather`.
IMAGES = {"art": 6287}


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    if preset not in DOMAINS:
        raise UserError(f"configs/drit_domains.py has no preset {preset!r}; choose one of {', '.join(DOMAINS)}")
    config = default_config()
    config.method = "drit_domains"
    common_model(config)
    config.model.discriminator = ConfigDict({"width": 64, "spectral": False})

    config.loss = ConfigDict()
    config.loss.content_iterations = 3  # of so many steps all but the last are the content discriminator's
    weights = {"adversarial": 1.0, "classification": 5.0, "discriminator_classification": 1.0, "latent": 10.0}
    weights |= {"cross_cycle": 10.0, "reconstruction": 10.0, "content_prior": 0.01, "attribute_prior": 0.01}
    # 0: no content discriminator (the authors' code without --isDcontent).
    config.loss.weights = ConfigDict(weights | {"content_adversarial": 1.0})
    common_optimizer(config, JUDGES)
    config.data.domains = DOMAINS[preset]

    if preset == "scenes":
        _scenes(config)
    else:
        folders(config, images=IMAGES.get(preset, 2000))
        config.data.name = "domain_folders"
        # The authors' batch of two holds one such pair.
        config.batch_size = 1
    return config


def _scenes(config: ConfigDict) -> None:
    small(config, JUDGES)
    duration(config, 3200)
    config.batch_size = 1  # one pair
    config.loss.content_iterations = 2

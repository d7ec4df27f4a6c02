"""NICE-GAN (Chen et al., CVPR 2020).

    python train.py --config configs/nice_gan.py --workdir runs/nice_gan
    python train.py --config configs/nice_gan.py:cat2dog --workdir runs/cat2dog --config.data.root=/data/cat2dog
    python train.py --config configs/nice_gan.py:horse2zebra --workdir runs/zebra --config.data.name=tfds

Presets: `scenes` (the default: day to night, in minutes on two CPU cores), the paper's sets `horse2zebra`,
`summer2winter`, `vangogh2photo` and `cat2dog` with the numbers of the authors' code, and `custom` for folders of your
own. Sets are read from trainA, trainB, testA and testB below data.root, or, but for cat2dog, with data.name=tfds from
tensorflow-datasets' cycle_gan/*. All but `scenes` are the full version; `--config.model.generator.light=True` makes it
the light one.
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

NETWORKS = ("generator", "source_generator", "discriminator", "source_discriminator")
# Preset -> its name in tensorflow-datasets, where it has one.
SETS = {
    "horse2zebra": "cycle_gan/horse2zebra",
    "summer2winter": "cycle_gan/summer2winter_yosemite",
    "vangogh2photo": "cycle_gan/vangogh2photo",
    "cat2dog": "",
}
PRESETS = ("scenes", *SETS, "custom")


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    if preset not in PRESETS:
        raise UserError(f"configs/nice_gan.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = default_config()
    config.method = "nice_gan"

    config.model = ConfigDict()
    config.model.init = "lecun_uniform"
    config.model.init_gain = 1.0  # of the kinds that have one
    config.model.num_downsamplings = 2  # of codes
    # light: gains and biases of the norms from the features' means; without it the model is of one image size.
    config.model.generator = ConfigDict({"width": 64, "num_blocks": 6, "light": False})
    # Layers of the global head: 7 for images of 96 pixels and more, 6 from 48.
    config.model.discriminator = ConfigDict({"width": 64, "num_layers": 7})

    config.loss = ConfigDict()
    config.loss.adversarial = "least_squares"  # or cross_entropy, wasserstein (without gradient penalty), hinge
    config.loss.weights = ConfigDict({"adversarial": 1.0, "cycle": 10.0, "reconstruction": 10.0})

    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.999
    config.optimizer.weight_decay = 1e-4
    config.optimizer.learning_rate = ConfigDict(dict.fromkeys(NETWORKS, 1e-4))
    # Generators read the codes of discriminators, so their averages go together.
    config.ema.networks = NETWORKS
    config.data.pairing = "unpaired"

    if preset == "scenes":
        _scenes(config)
    else:
        _folders(config)
        config.data.tfds_name = SETS.get(preset, "")
    return config


def _scenes(config: ConfigDict) -> None:
    config.batch_size = 1
    config.num_steps = 1000
    config.image_every = config.checkpoint_every = 250
    config.ema.decay = 0.99
    # Codes of 32x32, of enough channels to hold the picture, keep its layout.
    config.model.num_downsamplings = 1
    config.model.generator.update(width=16, num_blocks=3, light=True)
    config.model.discriminator.update(width=32, num_layers=6)
    config.data.source_domain, config.data.domain = "day", "night"
    # A short run on small networks: faster rates than the paper's, which fall over its second half; but generators read
    # codes of encoders that learn with the discriminators, and have to keep up with them.
    rates = {"generator": 1e-3, "source_generator": 1e-3, "discriminator": 1e-4, "source_discriminator": 1e-4}
    config.optimizer.learning_rate = ConfigDict(rates)
    config.optimizer.decay_start, config.optimizer.decay_steps = config.num_steps // 2, config.num_steps // 2


def _folders(config: ConfigDict) -> None:
    """The authors' run: batches of one, the rate falling over its second half; 286 pixels, cropped to 256."""
    config.batch_size, config.num_steps = 1, 300_000  # of which the paper's results take 100,000
    half = config.num_steps // 2
    # The rate falls before the first step of the second half, not after it.
    config.optimizer.decay_start, config.optimizer.decay_steps = half - 1, half
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.data.name, config.data.eval_split = "two_folders", "test"
    config.data.height = config.data.width = 256
    config.data.preprocess, config.data.load_size = "resize_and_crop", 286
    config.data.num_workers = 4
    config.eval.num_images = 5000

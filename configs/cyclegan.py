"""CycleGAN (Zhu et al., ICCV 2017).

    python train.py --config configs/cyclegan.py --workdir runs/cyclegan
    python train.py --config configs/cyclegan.py:horse2zebra --workdir runs/zebra --config.data.root=/data/horse2zebra
    python train.py --config configs/cyclegan.py:horse2zebra --workdir runs/zebra --config.data.name=tfds

Presets: `scenes` (the default: day to night, in minutes on two CPU cores), the authors' sets `horse2zebra`,
`apple2orange`, `summer2winter_yosemite`, `monet2photo`, `cezanne2photo`, `ukiyoe2photo`, `vangogh2photo`,
`iphone2dslr_flower`, `maps`, `facades` and `cityscapes` with the paper's numbers, and `custom` for folders of your own.
The sets are read as the authors publish them, from trainA, trainB, testA and testB below data.root, or, with
data.name=tfds, from tensorflow-datasets' cycle_gan/*. `data.direction` says which way `generator` translates.
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

# Training images of both domains in the published sets; an epoch is as long as the larger one.
IMAGES = {
    "horse2zebra": (1067, 1334),
    "apple2orange": (995, 1019),
    "summer2winter_yosemite": (1231, 962),
    "monet2photo": (1072, 6287),
    "cezanne2photo": (525, 6287),
    "ukiyoe2photo": (562, 6287),
    "vangogh2photo": (400, 6287),
    "iphone2dslr_flower": (1812, 3325),
    "maps": (1096, 1096),
    "facades": (400, 400),
    "cityscapes": (2975, 2975),
}


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    config = default_config()
    config.method = "cyclegan"

    config.model = ConfigDict()
    config.model.architecture = "resnet"  # or unet
    config.model.init = "normal"
    config.model.init_gain = 0.02
    config.model.resnet = ConfigDict({"num_blocks": 9, "width": 64, "norm": "instance", "dropout": False})
    config.model.unet = ConfigDict({"num_downs": 8, "width": 64, "norm": "instance", "dropout": False})
    # Patches by num_layers: 0 pixels, 1 to 6: 16, 34, 70, 142, 286, 574 pixels wide.
    config.model.discriminator = ConfigDict({"width": 64, "num_layers": 3, "norm": "instance"})
    config.model.pool_size = 50  # generated images of each domain that the discriminators learn from

    config.loss = ConfigDict()
    config.loss.adversarial = "least_squares"  # or cross_entropy, wasserstein (without gradient penalty), hinge
    # The identity term counts by this share of its domain's cycle weight.
    config.loss.weights = ConfigDict(
        {
            "adversarial_image": 1.0,
            "adversarial_source": 1.0,
            "cycle_source": 10.0,
            "cycle_image": 10.0,
            "identity": 0.5,
        }
    )

    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.999
    networks = ("generator", "reverse_generator", "discriminator", "source_discriminator")
    config.optimizer.learning_rate = ConfigDict(dict.fromkeys(networks, 2e-4))
    config.ema.networks = ("generator", "reverse_generator")
    config.data.pairing = "unpaired"

    if preset == "scenes":
        _scenes(config)
    elif preset == "custom":
        _folders(config, epoch=1000)
    elif preset in IMAGES:
        _folders(config, epoch=max(IMAGES[preset]))
        config.data.tfds_name = f"cycle_gan/{preset}"
    else:
        presets = ", ".join(("scenes", *IMAGES, "custom"))
        raise UserError(f"configs/cyclegan.py has no preset {preset!r}; choose one of {presets}")
    if preset == "cityscapes":
        # The one set at 128 pixels (appendix 7.1), for which six blocks do (7.2).
        config.data.height = config.data.width = 128
        config.data.load_size, config.model.resnet.num_blocks = 143, 6
    return config


def _scenes(config: ConfigDict) -> None:
    config.batch_size = 4
    config.num_steps = 1400
    config.image_every = config.checkpoint_every = 350
    config.ema.decay = 0.99
    # Of the authors' generators the one that learns to keep a picture's details in minutes.
    config.model.architecture = "unet"
    config.model.unet.update(num_downs=5, width=16)
    config.model.init, config.model.init_gain = "xavier", 1.0
    config.model.discriminator.update(width=16, num_layers=2)
    # Night hides more of a day than day of a night, so the cycle by way of night asks for more weight.
    config.loss.weights.cycle_source = 20.0
    config.data.source_domain, config.data.domain = "day", "night"
    # A short run on small networks: faster rates than the paper's, which fall over its second half.
    rates = {"generator": 2e-3, "reverse_generator": 2e-3, "discriminator": 1e-3, "source_discriminator": 1e-3}
    config.optimizer.learning_rate = ConfigDict(rates)
    config.optimizer.decay_start, config.optimizer.decay_steps = 600, 800


def _folders(config: ConfigDict, *, epoch: int) -> None:
    """Batches of one for 200 epochs, over whose second half the rate falls; resized to 286 pixels, cropped to 256."""
    config.batch_size, config.num_steps = 1, 200 * epoch
    config.optimizer.decay_start, config.optimizer.decay_steps = 100 * epoch, 101 * epoch
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.data.name, config.data.eval_split = "two_folders", "test"
    config.data.height = config.data.width = 256
    config.data.preprocess, config.data.load_size = "resize_and_crop", 286
    config.data.num_workers = 4
    config.eval.num_images = 5000

"""BicycleGAN (Zhu et al., NIPS 2017).

    python train.py --config configs/bicyclegan.py --workdir runs/bicyclegan
    python train.py --config configs/bicyclegan.py:facades --workdir runs/facades --config.data.root=/data/facades

Presets: `scenes` (the default: minutes on two CPU cores), `facades`, `maps`, `edges2shoes`, `edges2handbags` and
`night2day` with the numbers of the authors' scripts, for their files of pairs side by side, and `custom` for pairs of
your own. `data.direction` turns any of them round.
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    config = default_config()
    config.method = "bicyclegan"

    config.model = ConfigDict()
    config.model.init = "xavier"
    config.model.init_gain = 0.02
    config.model.latent_size = 8
    config.model.grey_source = False  # translate the source's luminance, as the authors do for edges
    config.model.generator = ConfigDict(
        {
            "num_downs": 8,
            "width": 64,
            "norm": "instance",  # or batch, none
            "activation": "relu",  # or leaky_relu, elu
            "latent_levels": "all",  # or first: the latent code comes in beside the source alone
            "upsampling": "transposed",  # or bilinear
            "dropout": True,
        }
    )
    # Halvings to 8 pixels: 5 for 256, 4 for 128. Architectures: resnet, conv.
    config.model.encoder = ConfigDict({"architecture": "resnet", "num_levels": 5, "width": 64, "norm": "instance"})
    config.model.discriminator = ConfigDict(
        {"num_scales": 2, "width": 64, "num_layers": 3, "norm": "instance", "bias": True}
    )
    config.model.conditional_discriminator = False  # whether they see the source too
    config.model.shared_discriminator = False  # whether one judges encoded and random styles

    config.loss = ConfigDict()
    config.loss.adversarial = "least_squares"  # or cross_entropy, wasserstein (without gradient penalty), hinge
    # Without adversarial_random and latent it is cVAE-GAN, without adversarial_encoded, l1 and kl cLR-GAN.
    config.loss.weights = ConfigDict(
        {"adversarial_encoded": 1.0, "adversarial_random": 1.0, "l1": 10.0, "latent": 0.5, "kl": 0.01}
    )

    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.999
    networks = ("generator", "encoder", "discriminator", "random_discriminator")
    config.optimizer.learning_rate = ConfigDict(dict.fromkeys(networks, 2e-4))
    config.data.pairing = "paired"

    presets = {
        "scenes": _scenes,
        "facades": _facades,
        "maps": _maps,
        "edges2shoes": _edges2shoes,
        "edges2handbags": _edges2handbags,
        "night2day": _night2day,
        "custom": _custom,
    }
    if preset not in presets:
        raise UserError(f"configs/bicyclegan.py has no preset {preset!r}; choose one of {', '.join(presets)}")
    presets[preset](config)
    return config


def _scenes(config: ConfigDict) -> None:
    config.batch_size = 8
    config.num_steps = 900
    config.image_every = config.checkpoint_every = 300
    config.ema.decay, config.ema.networks = 0.99, ("generator", "encoder")
    config.model.init_gain = 1.0
    config.model.generator.update(num_downs=6, width=16, dropout=False)
    config.model.encoder.update(num_levels=3, width=16)
    config.model.discriminator.update(width=16, num_layers=2)
    config.eval.samples_per_input = 3
    # A short run on small networks: faster rates than the paper's, which fall over its second half.
    rates = {"generator": 2e-3, "encoder": 2e-3, "discriminator": 5e-4, "random_discriminator": 5e-4}
    config.optimizer.learning_rate = ConfigDict(rates)
    config.optimizer.decay_start, config.optimizer.decay_steps = config.num_steps // 2, config.num_steps // 2


def _pairs(config: ConfigDict, *, images: int, epochs: int, load_size: int = 286) -> None:
    """The authors' files, A on the left of B, resized and cropped to 256 pixels: batches of two, flipped at random.

    As many epochs as named at the full rate, and as many over which it falls.
    """
    config.data.name = "side_by_side"
    config.data.height = config.data.width = 256
    config.data.preprocess, config.data.load_size = "resize_and_crop", load_size
    config.data.num_workers = 4
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.batch_size, epoch = 2, images // 2
    config.num_steps = 2 * epochs * epoch
    config.optimizer.decay_start, config.optimizer.decay_steps = epochs * epoch, (epochs + 1) * epoch
    # The paper's diversity is of 20 results of 100 inputs.
    config.eval.num_images, config.eval.samples_per_input = 100, 20


def _facades(config: ConfigDict) -> None:
    _pairs(config, images=400, epochs=200)
    config.data.direction = "BtoA"  # labels to photographs


def _maps(config: ConfigDict) -> None:
    _pairs(config, images=1096, epochs=200, load_size=600)
    config.data.direction = "BtoA"  # maps to aerial photographs


def _edges2shoes(config: ConfigDict) -> None:
    _pairs(config, images=49825, epochs=30, load_size=256)
    config.model.grey_source = True


def _edges2handbags(config: ConfigDict) -> None:
    _pairs(config, images=138567, epochs=15, load_size=256)
    config.model.grey_source = True


def _night2day(config: ConfigDict) -> None:
    _pairs(config, images=17823, epochs=50)


def _custom(config: ConfigDict) -> None:
    _pairs(config, images=1000, epochs=200)

"""OASIS (Schoenfeld et al., ICLR 2021).

    python train.py --config configs/oasis.py --workdir runs/oasis
    python train.py --config configs/oasis.py:ade20k --workdir runs/ade --config.data.root=/data/ADEChallengeData2016

Presets: `scenes` (the default: minutes on two CPU cores), `cityscapes`, `ade20k`, `ade20k_outdoor`, `coco_stuff` with
the paper's numbers, and `custom` for folders of your own (data.label_dir, data.image_dir, data.num_classes).
"""

from ml_collections import ConfigDict

from configs.spade import get_config as spade_config
from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    config = default_config()
    config.method = "oasis"
    if preset not in PRESETS:
        raise UserError(f"configs/oasis.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config.data = spade_config(preset).data
    config.data.use_instance = False

    config.model = ConfigDict()
    config.model.init = "xavier"
    config.model.init_gain = 0.02
    config.model.noise_channels = 64  # 0: no noise
    # What training draws the noise for: image, as the authors' code does, or class or pixel, the paper's 3D tensor.
    config.model.noise = "image"
    # The unknown class, the data's last, becomes class 0, which is where the released networks have it.
    config.model.unknown_first = False
    config.model.generator = ConfigDict(
        {"width": 64, "norm": "syncbatch", "kernel_size": 3, "hidden": 128, "spectral": True}
    )
    config.model.discriminator = ConfigDict(
        {"widths": (128, 128, 256, 256, 512, 512), "last_width": 64, "spectral": True}
    )

    config.loss = ConfigDict()
    config.loss.weights = ConfigDict(
        {"adversarial": 1.0, "perceptual": 0.0, "fake": 1.0, "real": 1.0, "labelmix": 10.0}
    )
    config.loss.balance_classes = True  # rare classes weigh more in the cross entropy
    config.loss.dont_care = False  # class 0 is unlabelled: its pixels weigh nothing
    config.loss.vgg_weights = ""  # file of torchvision's VGG-19; needed where loss.weights.perceptual is not 0
    config.loss.vgg_layer_weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)  # of relu1_1 to relu5_1

    config.optimizer.b1, config.optimizer.b2 = 0.0, 0.999
    config.optimizer.learning_rate = ConfigDict({"generator": 1e-4, "discriminator": 4e-4})
    config.ema.decay = 0.9999

    PRESETS[preset](config)
    return config


def _scenes(config: ConfigDict) -> None:
    config.batch_size = 4
    config.num_steps = 700
    config.image_every = config.checkpoint_every = 350
    config.model.init_gain = 1.0
    config.model.noise_channels = 16
    config.model.generator.width = 12
    config.model.generator.hidden = 24
    # At 64 pixels regions are small: pointwise norms keep what the noise of one class changes inside of it.
    config.model.generator.kernel_size = 1
    config.model.discriminator.widths = (16, 32, 32, 48, 48, 64)
    config.model.discriminator.last_width = 16
    # A short run on a small model from larger weights: faster rates than the paper's, which fall over its second half.
    config.optimizer.learning_rate = ConfigDict({"generator": 2e-3, "discriminator": 1e-3})
    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.99
    config.optimizer.decay_start, config.optimizer.decay_steps = config.num_steps // 2, config.num_steps // 2
    config.ema.decay = 0.99


def _paper(config: ConfigDict, *, images: int, batch_size: int, epochs: int) -> None:
    """Four GPUs, constant learning rates."""
    config.batch_size = batch_size
    config.num_steps = images // batch_size * epochs
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.eval.num_images = 5000
    config.loss.dont_care = True


def _cityscapes(config: ConfigDict) -> None:
    _paper(config, images=2975, batch_size=20, epochs=200)
    config.loss.weights.labelmix = 5.0
    config.optimizer.learning_rate.generator = 4e-4
    config.ema.decay = 0.999


def _ade20k(config: ConfigDict) -> None:
    # 20,210 images; the outdoor subset's own length is not published with the code, so both run as many steps.
    _paper(config, images=20210, batch_size=32, epochs=200)


def _coco_stuff(config: ConfigDict) -> None:
    _paper(config, images=118287, batch_size=32, epochs=100)
    config.model.unknown_first = True


def _custom(config: ConfigDict) -> None:
    config.batch_size, config.num_steps = 8, 100_000
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.model.unknown_first = config.loss.dont_care = True


PRESETS = {
    "scenes": _scenes,
    "cityscapes": _cityscapes,
    "ade20k": _ade20k,
    "ade20k_outdoor": _ade20k,
    "coco_stuff": _coco_stuff,
    "custom": _custom,
}

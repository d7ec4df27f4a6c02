"""pix2pix (Isola et al., CVPR 2017).

    python train.py --config configs/pix2pix.py --workdir runs/pix2pix
    python train.py --config configs/pix2pix.py:facades --workdir runs/facades --config.data.root=/data/facades

Presets: `scenes` (the default: minutes on two CPU cores), `facades`, `cityscapes`, `maps`, `edges2shoes`,
`edges2handbags` and `night2day` with the paper's numbers (appendix 6.2), for the authors' files of pairs side by side,
and `custom` for pairs of your own. `data.direction` turns any of them round.
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    config = default_config()
    config.method = "pix2pix"

    config.model = ConfigDict()
    config.model.architecture = "unet"  # or resnet
    config.model.init = "normal"
    config.model.init_gain = 0.02
    config.model.unet = ConfigDict({"num_downs": 8, "width": 64, "norm": "batch", "dropout": True})
    config.model.resnet = ConfigDict({"num_blocks": 9, "width": 64, "norm": "batch", "dropout": True})
    # Patches by num_layers: 0 pixels, 1 to 6: 16, 34, 70, 142, 286, 574 pixels wide.
    config.model.discriminator = ConfigDict({"width": 64, "num_layers": 3, "norm": "batch"})
    # The authors test as they train: dropout stays on, batch norm sees the one image that is translated.
    config.model.test_dropout = True
    config.model.test_statistics = "image"  # or running

    config.loss = ConfigDict()
    config.loss.adversarial = "cross_entropy"  # or least_squares, wasserstein (without gradient penalty), hinge
    config.loss.weights = ConfigDict({"adversarial": 1.0, "l1": 100.0})

    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.999
    config.optimizer.learning_rate = ConfigDict({"generator": 2e-4, "discriminator": 2e-4})
    config.data.pairing = "paired"

    presets = {
        "scenes": _scenes,
        "facades": _facades,
        "cityscapes": _cityscapes,
        "maps": _maps,
        "edges2shoes": _edges2shoes,
        "edges2handbags": _edges2handbags,
        "night2day": _night2day,
        "custom": _custom,
    }
    if preset not in presets:
        raise UserError(f"configs/pix2pix.py has no preset {preset!r}; choose one of {', '.join(presets)}")
    presets[preset](config)
    return config


def _scenes(config: ConfigDict) -> None:
    config.batch_size = 4
    config.num_steps = 900
    config.image_every = config.checkpoint_every = 300
    config.ema.decay = 0.99
    config.model.unet.update(num_downs=6, width=24)
    config.model.discriminator.update(width=16, num_layers=2)
    # Trained on batches of four, an image's own statistics would be others than it learned with.
    config.model.test_statistics = "running"
    # A short run on a small model: faster rates than the paper's, which fall over its second half.
    config.optimizer.learning_rate = ConfigDict({"generator": 2e-3, "discriminator": 5e-4})
    config.optimizer.decay_start, config.optimizer.decay_steps = config.num_steps // 2, config.num_steps // 2


def _pairs(config: ConfigDict, *, jitter: bool = True) -> None:
    """The authors' files, A on the left of B: resized to 286 pixels and cropped to 256 where the recipe jitters."""
    config.data.name = "side_by_side"
    config.data.height = config.data.width = 256
    config.data.preprocess, config.data.load_size = "resize_and_crop", 286 if jitter else 256
    config.data.flip = jitter
    config.data.num_workers = 4
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.eval.num_images = 5000


def _paper(config: ConfigDict, *, images: int, epochs: int, batch_size: int) -> None:
    config.batch_size = batch_size
    config.num_steps = images * epochs // batch_size


def _falling(config: ConfigDict, *, images: int) -> None:
    """200 epochs of batch 1, over whose second half the rate falls, as in the authors' PyTorch code (not in Lua's)."""
    _pairs(config)
    _paper(config, images=images, epochs=200, batch_size=1)
    config.optimizer.decay_start, config.optimizer.decay_steps = 100 * images, 101 * images


def _facades(config: ConfigDict) -> None:
    _falling(config, images=400)
    config.data.direction = "BtoA"  # labels to photographs
    config.data.eval_split = "test"


def _cityscapes(config: ConfigDict) -> None:
    _falling(config, images=2975)
    config.data.direction = "BtoA"  # labels to photographs


def _maps(config: ConfigDict) -> None:
    _falling(config, images=1096)
    config.data.direction = "BtoA"  # maps to aerial photographs


def _edges2shoes(config: ConfigDict) -> None:
    _pairs(config, jitter=False)
    _paper(config, images=49825, epochs=15, batch_size=4)


def _edges2handbags(config: ConfigDict) -> None:
    _pairs(config, jitter=False)
    _paper(config, images=138567, epochs=15, batch_size=4)


def _night2day(config: ConfigDict) -> None:
    _pairs(config)
    _paper(config, images=17823, epochs=17, batch_size=4)


def _custom(config: ConfigDict) -> None:
    _pairs(config)
    config.batch_size, config.num_steps = 1, 200_000
    config.optimizer.decay_start, config.optimizer.decay_steps = 100_000, 100_000

"""SMIS / GroupDNet (Zhu et al., CVPR 2020).

    python train.py --config configs/smis.py --workdir runs/smis
    python train.py --config configs/smis.py:deepfashion --workdir runs/fashion --config.data.label_dir=/data/labels \
        --config.data.image_dir=/data/images --config.loss.vgg_weights=/data/vgg19-dcbb9e9d.pth

Presets: `scenes` (the default: minutes on two CPU cores); `deepfashion`, for folders of images and of label maps of 8
classes, `cityscapes` and `ade20k` with the paper's numbers, each with a generator of its own.
"""

from ml_collections import ConfigDict

from configs.spade import get_config as spade_config
from jaxsyn.errors import UserError

PRESETS = ("scenes", "deepfashion", "cityscapes", "ade20k")


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    if preset not in PRESETS:
        raise UserError(f"configs/smis.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = spade_config("custom" if preset == "deepfashion" else preset)
    config.method = "smis"
    model = ConfigDict({"init": config.model.init, "init_gain": config.model.init_gain})
    model.generator = ConfigDict(
        {"hidden": 128, "norm": "syncbatch", "kernel_size": 3, "upsampling": "more", "spectral": True}
        | {"first_gamma": 0.0}  # -1: features of a class are nowhere else at first
    )
    model.discriminator = config.model.discriminator
    model.encoder = ConfigDict({"width": 256, "num_layers": 6, "spectral": True, "normalized": True})
    config.model = model
    {"scenes": _scenes, "deepfashion": _deepfashion, "cityscapes": _cityscapes, "ade20k": _ade20k}[preset](config)
    return config


def deepfashion_generator(width: int, classes: int) -> dict:
    """Halves the groups with every other block. The eight groups over the latents are fixed in the authors' code."""
    groups = (classes, classes, *(classes // d for d in (2, 2, 4, 4, 8)))
    return {**_first(16 * width, 8), **_blocks(width, groups), "modulation": "block", "spare_block": False}


def cityscapes_generator(width: int, classes: int) -> dict:
    """Groups that divide the widths of `width` 280."""
    groups = (classes, classes, 20, 14, 10, 4, 1)
    return {**_first(16 * width, classes), **_blocks(width, groups), "modulation": "class", "spare_block": False}


def ade20k_generator(width: int, classes: int) -> dict:
    """Sixteen channels a class at first; sixteen groups follow at once."""
    widths = (16 * classes, *(multiple * width for multiple in (32, 16, 16, 8, 4, 2)))
    blocks = {"widths": widths, "groups": (classes, 16, 16, 8, 4, 2, 1)}
    return {**_first(16 * classes, classes), **blocks, "modulation": "mixed", "spare_block": True}


def _first(width: int, groups: int) -> dict:
    return {"first_width": width, "first_groups": groups}


def _blocks(width: int, groups: tuple[int, ...]) -> dict:
    return {"widths": tuple(multiple * width for multiple in (16, 16, 16, 8, 4, 2, 1)), "groups": groups}


def _scenes(config: ConfigDict) -> None:
    config.data.use_instance = False
    config.model.generator.update(deepfashion_generator(12, config.data.num_classes))
    classes = config.data.num_classes
    config.model.generator.update(first_groups=classes, hidden=48, upsampling="normal")
    # With few channels a class, groups merge last of all, not one by one: what a latent changes stays in its class.
    config.model.generator.groups = (classes,) * 6 + (1,)
    config.model.generator.first_gamma = -1.0
    config.model.encoder.width, config.model.encoder.num_layers = 48, 5
    # The divergence is a sum over batch and latents: by the paper's weight this small model would drop its latents.
    config.loss.weights.kl = 0.0002
    config.optimizer.learning_rate.encoder = 1e-2
    config.num_steps, config.image_every, config.checkpoint_every = 500, 250, 250
    config.optimizer.decay_start = config.optimizer.decay_steps = 250


def _paper(config: ConfigDict, *, batch_size: int, images: int, epochs: int, decay_epochs: int) -> None:
    config.batch_size = batch_size
    steps_per_epoch = images // batch_size
    config.num_steps = epochs * steps_per_epoch
    config.optimizer.decay_start = (epochs - decay_epochs) * steps_per_epoch
    config.optimizer.decay_steps = decay_epochs * steps_per_epoch


def _deepfashion(config: ConfigDict) -> None:
    # 30,000 training images in the authors' split of the in-shop subset.
    _paper(config, batch_size=8, images=30000, epochs=100, decay_epochs=40)
    config.data.num_classes, config.data.unknown_label, config.data.load_size = 8, None, 256
    config.model.generator.update(deepfashion_generator(160, 8))


def _cityscapes(config: ConfigDict) -> None:
    _paper(config, batch_size=4, images=2975, epochs=200, decay_epochs=100)
    config.model.generator.update(cityscapes_generator(280, 35))
    config.model.encoder.width = 350


def _ade20k(config: ConfigDict) -> None:
    _paper(config, batch_size=4, images=20210, epochs=200, decay_epochs=100)
    config.model.generator.update(ade20k_generator(64, 151))
    config.model.encoder.width = 604

"""CC-FPSE (Liu et al., NeurIPS 2019).

    python train.py --config configs/cc_fpse.py --workdir runs/cc_fpse
    python train.py --config configs/cc_fpse.py:coco_stuff --workdir runs/coco \
        --config.data.root=/data/coco_stuff --config.loss.vgg_weights=/data/vgg19-dcbb9e9d.pth

Presets: `scenes` (the default: minutes on two CPU cores), `cityscapes`, `ade20k`, `coco_stuff` with the paper's
numbers, and `custom` for folders of your own (data.label_dir, data.image_dir, data.num_classes).
"""

from ml_collections import ConfigDict

from configs.spade import get_config as spade_config
from jaxsyn.errors import UserError

PRESETS = ("scenes", "cityscapes", "ade20k", "coco_stuff", "custom")


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names: SPADE's, but for the networks and what follows here."""
    if preset not in PRESETS:
        raise UserError(f"configs/cc_fpse.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = spade_config(preset)
    config.method = "cc_fpse"
    upsampling = config.model.generator.upsampling
    del config.model.architecture, config.model.resnet
    config.model.use_vae = True
    config.model.generator = ConfigDict({"width": 64, "upsampling": upsampling, "norm": "syncbatch", "hidden": 128})
    config.model.discriminator = ConfigDict({"width": 64, "norm": "instance"})
    config.loss.weights.feature_matching = 20.0
    if preset == "scenes":
        _scenes(config)
    elif preset != "custom":
        _paper(config)
    return config


def _scenes(config: ConfigDict) -> None:
    config.model.use_vae = False
    config.num_steps = 500
    config.image_every = config.checkpoint_every = 250
    config.optimizer.decay_start = config.optimizer.decay_steps = config.num_steps // 2
    config.model.generator.width = 10
    config.model.generator.hidden = 12
    config.model.discriminator.width = 12
    config.ema.decay = 0.99


def _paper(config: ConfigDict) -> None:
    """One image on each of 16 GPUs; 100 epochs at full rate and 100 of decay for every data set."""
    images = {"cityscapes": 2975, "ade20k": 20210, "coco_stuff": 118287}[config.data.name]
    config.batch_size = 16
    steps_per_epoch = images // config.batch_size
    config.num_steps = 200 * steps_per_epoch
    config.optimizer.decay_start = config.optimizer.decay_steps = 100 * steps_per_epoch

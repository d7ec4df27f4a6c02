"""SEAN (Zhu et al., CVPR 2020).

    python train.py --config configs/sean.py --workdir runs/sean
    python train.py --config configs/sean.py:celebamask_hq --workdir runs/faces --config.data.label_dir=/data/labels \
        --config.data.image_dir=/data/images --config.loss.vgg_weights=/data/vgg19-dcbb9e9d.pth

Presets: `scenes` (the default: minutes on two CPU cores); `celebamask_hq`, the authors' recipe, for folders of images
and of label maps of 19 classes; `cityscapes` and `ade20k`, of which the authors published results alone: the sets as
SPADE takes them, by the same recipe; and `custom` for folders of your own.
"""

from ml_collections import ConfigDict

from configs.spade import get_config as spade_config
from jaxsyn.errors import UserError

# Training images of the sets of the paper.
IMAGES = {"celebamask_hq": 28000, "cityscapes": 2975, "ade20k": 20210}
PRESETS = ("scenes", *IMAGES, "custom")


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    if preset not in PRESETS:
        raise UserError(f"configs/sean.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = spade_config("custom" if preset == "celebamask_hq" else preset)
    config.method = "sean"
    config.data.use_instance = False

    model = ConfigDict({"init": config.model.init, "init_gain": config.model.init_gain})
    model.generator = ConfigDict(
        {
            "width": config.model.generator.width,
            "upsampling": "normal",
            "style_length": 512,
            "encoder_width": 32,
            "kernel_size": 3,
            "hidden": config.model.generator.hidden,
            "spectral": True,
        }
    )
    model.discriminator = config.model.discriminator
    # The authors' default is one layer less than SPADE's, and every one but the last halves the size.
    model.discriminator.num_layers, model.discriminator.last_stride = 3, 2
    config.model = model
    del config.loss.weights["kl"], config.optimizer.learning_rate["encoder"]

    if preset == "scenes":
        _scenes(config)
    if preset == "celebamask_hq":
        config.data.num_classes, config.data.unknown_label, config.data.load_size = 19, None, 256
        config.eval.num_images = 2000
    if preset in IMAGES:
        _paper(config, IMAGES[preset])
    return config


def _scenes(config: ConfigDict) -> None:
    config.model.generator.style_length, config.model.generator.encoder_width = 32, 8
    config.ema.decay = 0.99
    config.num_steps, config.image_every, config.checkpoint_every = 500, 250, 250
    config.optimizer.decay_start = config.optimizer.decay_steps = 250


def _paper(config: ConfigDict, images: int) -> None:
    """Batch 32 on four GPUs, 50 epochs and 50 more in which the rates fall."""
    config.batch_size = 32
    half = 50 * (images // config.batch_size)
    config.num_steps, config.optimizer.decay_start, config.optimizer.decay_steps = 2 * half, half, half

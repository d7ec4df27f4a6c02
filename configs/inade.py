"""INADE (Tan et al., CVPR 2021).

    python train.py --config configs/inade.py --workdir runs/inade
    python train.py --config configs/inade.py:deepfashion --workdir runs/fashion --config.data.label_dir=/data/labels \
        --config.data.image_dir=/data/images --config.loss.vgg_weights=/data/vgg19-dcbb9e9d.pth

Presets: `scenes` (the default: minutes on two CPU cores); `cityscapes` and `ade20k` with SPADE's numbers, as the
authors took them; `celebamask_hq` and `deepfashion` for folders of images and of label maps of 19 and 8 classes; and
`custom` for folders of your own. Where a set has no instance maps, each class is one instance, as the authors have it.
"""

from ml_collections import ConfigDict

from configs.spade import get_config as spade_config
from jaxsyn.errors import UserError

# Training images of the sets that are read from folders.
IMAGES = {"celebamask_hq": 28000, "deepfashion": 30000}
PRESETS = ("scenes", "cityscapes", "ade20k", *IMAGES, "custom")


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    if preset not in PRESETS:
        raise UserError(f"configs/inade.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = spade_config("custom" if preset in IMAGES else preset)
    config.method = "inade"

    model = config.model
    # What is SPADE's alone: the baseline, its encoder's options, and the convolutions over the label map.
    del model.architecture, model.resnet, model.encoder, model.generator.hidden, model.generator.kernel_size
    model.use_vae = True
    model.noise_channels = 64  # of the two noise vectors of an instance
    model.latent_channels = 256  # of the noise vector that starts the generator
    model.generator.sketch = False  # whether a line drawing is an input too; it needs data.use_sketch=True
    config.data.max_instances = 256

    # Per discriminator: from its fourth hidden feature on, of four.
    config.loss.first_matched_feature = 3
    config.loss.vgg_layer_weights = (0.0, 0.0, 0.0, 1 / 4, 1.0)

    if preset == "scenes":
        _scenes(config)
    if preset in IMAGES:
        _folders(config, IMAGES[preset])
    if preset == "celebamask_hq":
        config.data.num_classes, config.data.unknown_label = 19, None
    if preset == "deepfashion":
        config.data.num_classes, config.data.unknown_label, config.data.load_size = 8, None, 256
        config.model.noise_channels = 8
    return config


def _scenes(config: ConfigDict) -> None:
    config.data.max_instances = 48
    config.model.noise_channels, config.model.latent_channels = 16, 32
    # All features are matched: there is no perceptual loss, and with three layers the fourth would be none.
    config.loss.first_matched_feature = 0


def _folders(config: ConfigDict, images: int) -> None:
    """SPADE's batch, and the 50 epochs at a constant rate that are the default of the authors' code."""
    config.batch_size = 32
    config.num_steps = 50 * (images // config.batch_size)
    config.optimizer.decay_steps = 0
    config.data.num_workers = 4
    config.eval.num_images = 2000

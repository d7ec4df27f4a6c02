"""ASAP-Net (Rott Shaham et al., CVPR 2021).

    python train.py --config configs/asapnet.py --workdir runs/asapnet
    python train.py --config configs/asapnet.py:facades_512 --workdir runs/facades --config.data.root=/data/facades \
        --config.loss.vgg_weights=/data/vgg19-dcbb9e9d.pth

Presets: `scenes` (the default: minutes on two CPU cores), `cityscapes`, `facades_512` and `facades_1024` with the
authors' numbers, and `custom` for folders of your own (data.label_dir, data.image_dir, data.num_classes). The facades
are CMP's at their full resolution, in the folders {train,val}_img and {train,val}_label that the authors' script makes.

Tiles follow data.height, 16 of them from top to bottom, so a checkpoint belongs to a height, unless
model.generator.tile_size is set. Strided convolutions reduce by learned_factor, a fixed filter by the rest of it.
"""

from ml_collections import ConfigDict

from configs.spade import get_config as spade_config
from jaxsyn.errors import UserError

PRESETS = ("scenes", "cityscapes", "facades_512", "facades_1024", "custom")
TILES = 16
FACADES = 317


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names: SPADE's, but for the networks and what follows here."""
    if preset not in PRESETS:
        raise UserError(f"configs/asapnet.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = spade_config(preset if preset in ("scenes", "cityscapes") else "custom")
    config.method = "asapnet"
    model = ConfigDict({"init": config.model.init, "init_gain": config.model.init_gain})
    model.instance_channel = "edges"  # or distances: where data.use_instance, what a network sees of the instances
    model.generator = ConfigDict(
        {
            "tile_size": config.data.get_ref("height") // TILES,
            "learned_factor": 16,
            "width": 64,
            "max_width": 1024,
            "depth": 7,
            "mlp_width": 64,
            "mlp_depth": 5,
            "position_encoding": True,
            "padding_mode": "zeros",
            "norm": "instance_affine",
            "hidden_channels": 0,  # channels of the label map, from the last on, that the MLPs do not see
        }
    )
    model.discriminator = config.model.discriminator
    config.model = model
    weights = ConfigDict(
        {name: config.loss.weights[name] for name in ("adversarial", "feature_matching", "perceptual")}
    )
    # Off in the authors' recipes; theirs are 100, 10 and 1e-8 where they are on.
    weights.update({"l1": 0.0, "mse": 0.0, "predicted_parameters": 0.0})
    config.loss.weights = weights
    del config.optimizer.learning_rate.encoder
    recipes = {"scenes": _scenes, "cityscapes": _cityscapes, "facades_512": _facades, "facades_1024": _facades}
    if preset in recipes:
        recipes[preset](config)
    if preset == "facades_1024":
        config.data.height = config.data.width = config.data.load_size = 1024
    return config


def _scenes(config: ConfigDict) -> None:
    config.model.generator.update(learned_factor=4, width=24, max_width=96, depth=4, mlp_width=24, hidden_channels=1)


def _cityscapes(config: ConfigDict) -> None:
    # The instance edges reach the low-resolution stream alone.
    config.model.generator.hidden_channels = 1
    _epochs(config, images=2975, batch_size=32)


def _facades(config: ConfigDict) -> None:
    _epochs(config, images=FACADES, batch_size=1)
    config.mesh.data = 1
    config.eval.batch_size = 1
    config.model.generator.padding_mode = "reflect"
    config.data.name, config.data.num_classes, config.data.unknown_label = "paired_folders", 13, None
    config.data.height = config.data.width = config.data.load_size = 512


def _epochs(config: ConfigDict, *, images: int, batch_size: int) -> None:
    """200 epochs, and 100 over which the rate falls to zero."""
    config.batch_size = batch_size
    epoch = images // batch_size
    config.num_steps = 300 * epoch
    config.optimizer.decay_start, config.optimizer.decay_steps = 200 * epoch, 100 * epoch

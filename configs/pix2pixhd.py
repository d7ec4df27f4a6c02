"""pix2pixHD (Wang et al., CVPR 2018).

    python train.py --config configs/pix2pixhd.py --workdir runs/hd

Coarse to fine, in one workdir; each stage goes on from the parameters and the step of the one before, and resumes:

    python train.py --config configs/pix2pixhd.py:cityscapes --workdir runs/hd --config.data.root=/data/cityscapes \
        --config.loss.vgg_weights=/data/vgg19-dcbb9e9d.pth
    python train.py --config configs/pix2pixhd.py:cityscapes_2048_enhancer --workdir runs/hd ... (as above)
    python train.py --config configs/pix2pixhd.py:cityscapes_2048 --workdir runs/hd ... (as above)

Presets, each a stage: `scenes` (the default: minutes on two CPU cores), then `scenes_enhancer` and `scenes_joint` at
twice its size; `cityscapes` (1024x512), then `cityscapes_2048_enhancer` and `cityscapes_2048` (2048x1024), with the
authors' numbers; `custom` for folders of your own. The authors' other sets (NYU, ADE20K, Helen) came without recipes.
Steps count on through the stages: `stage_steps` holds the length of each. `--config.model.use_style=True` adds the
encoder of instance styles, in every stage alike; `--config.mesh.space=8 --config.mesh.data=1` splits the height of an
image over eight devices.
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.methods.pix2pixhd import STAGES
from jaxsyn.training.config import default_config

# Training images of Cityscapes; an epoch has as many steps.
CITYSCAPES = 2975


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    config = default_config()
    config.method = "pix2pixhd"
    config.stages, config.stage = STAGES, "global_generator"
    config.stage_steps = ConfigDict(dict.fromkeys(STAGES, 0))

    config.model = ConfigDict()
    config.model.init = "normal"
    config.model.init_gain = 0.02
    config.model.generator = ConfigDict({"width": 64, "num_downsamplings": 4, "num_blocks": 9, "norm": "instance"})
    # Each doubles the size and has half the width of what it enhances. The first stage has none.
    config.model.enhancer = ConfigDict({"num_enhancers": 1, "num_local_blocks": 3})
    # num_layers counts all convolutions but the last; the authors' n_layers_D is one less.
    config.model.discriminator = ConfigDict({"num_scales": 2, "width": 64, "num_layers": 4, "norm": "instance"})
    config.model.use_style = False  # the encoder of styles; it needs data.max_instances, unless regions are classes
    config.model.style_regions = "instance"  # or class: what has a style of its own
    config.model.style_channels = 3
    config.model.encoder = ConfigDict({"width": 16, "num_downsamplings": 4, "norm": "instance"})
    config.model.train_encoder = True  # False in later stages: it stays, and sees images of the first stage's size

    config.loss = ConfigDict()
    config.loss.adversarial = "least_squares"
    config.loss.weights = ConfigDict({"adversarial": 1.0, "feature_matching": 10.0, "perceptual": 10.0})
    config.loss.vgg_weights = ""  # file of torchvision's VGG-19; needed unless loss.weights.perceptual is 0
    config.loss.vgg_layer_weights = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)  # of relu1_1 to relu5_1

    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.999
    config.optimizer.learning_rate = ConfigDict({"generator": 2e-4, "encoder": 2e-4, "discriminator": 2e-4})

    if preset not in PRESETS:
        raise UserError(f"configs/pix2pixhd.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    recipe, stage, decay_steps = PRESETS[preset]
    recipe(config)
    if stage != "global_generator":
        _double(config)
    _enter(config, stage, decay_steps)
    return config


def _enter(config: ConfigDict, stage: str, decay_steps: int) -> None:
    """Sets the stage, up to which step it goes, and the fall of the learning rate at its end.

    Both follow `stage_steps` when that is changed.
    """
    config.stage = stage
    lengths = [config.stage_steps.get_ref(name) for name in STAGES[: STAGES.index(stage) + 1]]
    config.num_steps = sum(lengths[1:], lengths[0])
    config.optimizer.decay_steps = decay_steps
    config.optimizer.decay_start = config.get_ref("num_steps") - config.optimizer.get_ref("decay_steps")


def _double(config: ConfigDict) -> None:
    """Twice the size, for which the discriminator has one more scale; the encoder of styles stays."""
    config.data.height, config.data.width = 2 * config.data.height, 2 * config.data.width
    config.data.load_size = 2 * config.data.load_size
    config.model.discriminator.num_scales = 3
    config.model.train_encoder = False


def _scenes(config: ConfigDict) -> None:
    config.stage_steps.update({"global_generator": 900, "enhancer_fixed": 100, "joint": 200})
    config.batch_size = 4
    config.image_every = config.checkpoint_every = 300
    config.ema.decay = 0.99
    config.model.init, config.model.init_gain = "xavier", 1.0
    # Features a quarter of the image's size keep thin things in place; by running statistics of batch norm a region's
    # style reaches no other, which by an image's own it would.
    config.model.generator.update(width=16, num_downsamplings=2, num_blocks=6, norm="batch")
    config.model.discriminator.update(width=16, num_layers=3)
    config.model.use_style = True
    config.model.encoder.update(width=8, num_downsamplings=2)
    config.loss.weights.perceptual = 0.0
    # A short run on a small model from larger weights: faster rates than the paper's, which fall over its second half.
    config.optimizer.learning_rate = ConfigDict({"generator": 2e-3, "encoder": 2e-3, "discriminator": 1e-3})
    config.optimizer.b2 = 0.99
    config.data.use_instance, config.data.max_instances = True, 48


def _cityscapes(config: ConfigDict) -> None:
    # 100 epochs and 100 with a falling rate; at the larger size 10, then 40 and 50.
    config.stage_steps.update({stage: n * CITYSCAPES for stage, n in zip(STAGES, (200, 10, 90), strict=True)})
    config.batch_size = 1
    config.mesh.data = 1
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.eval.num_images, config.eval.batch_size = 500, 1
    config.data.num_workers = 4
    config.data.name, config.data.preprocess, config.data.load_size = "cityscapes", "scale_width", 1024
    config.data.height, config.data.width = 512, 1024
    config.data.num_classes, config.data.use_instance, config.data.max_instances = 35, True, 512


def _custom(config: ConfigDict) -> None:
    config.stage_steps.update({"global_generator": 200_000, "enhancer_fixed": 10_000, "joint": 90_000})
    config.batch_size = 1
    config.mesh.data = 1
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.data.name, config.data.preprocess, config.data.unknown_label = "custom", "fixed", 255
    config.data.height, config.data.width = 512, 1024


# Preset -> what it sets, the stage, and over how many steps at its end the learning rate falls to zero.
PRESETS = {
    "scenes": (_scenes, "global_generator", 450),
    "scenes_enhancer": (_scenes, "enhancer_fixed", 0),
    "scenes_joint": (_scenes, "joint", 100),
    "cityscapes": (_cityscapes, "global_generator", 100 * CITYSCAPES),
    "cityscapes_2048_enhancer": (_cityscapes, "enhancer_fixed", 0),
    "cityscapes_2048": (_cityscapes, "joint", 50 * CITYSCAPES),
    "custom": (_custom, "global_generator", 100_000),
}

"""DRIT (Lee et al., ECCV 2018) and DRIT++ (IJCV 2020), between two domains.

    python train.py --config configs/drit.py --workdir runs/drit
    python train.py --config configs/drit.py:yosemite --workdir runs/yosemite --config.data.root=/data/yosemite
    python -m jaxsyn.interop import --config configs/drit.py:yosemite --workdir runs/imported \
        content_encoder=model.pth:enc_c attribute_encoder=model.pth:enc_a generator=model.pth:gen

Presets: `scenes` (the default: day to night, in minutes on two CPU cores); with the authors' numbers `yosemite`,
`monet` and `vangogh`, whose domains share their shapes, `portrait` and `cat2dog`, whose domains do not, and
`gta2cityscapes` in high resolution (DRIT_hr); and `custom` for folders of your own. Sets are read from trainA, trainB,
testA and testB below data.root. All but the one in high resolution seek modes (DRIT++); DRIT of 2018 does without, by
--config.loss.weights.mode_seeking=0. The authors' checkpoints hold all networks in one file: disContent, disA and disB
(discriminator_a and _b), disA2 and disB2 (random_discriminator_a and _b) too. configs/drit_domains.py has the form for
several domains.
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

ENCODERS = ("content_encoder", "attribute_encoder")
JUDGES = ("discriminator_a", "discriminator_b", "random_discriminator_a", "random_discriminator_b")
# Images of both domains in the authors' sets; an epoch is as long as the larger one.
IMAGES = {
    "yosemite": (1231, 962),
    "monet": (1231, 1072),
    "vangogh": (1231, 400),
    "portrait": (6452, 1811),
    "cat2dog": (871, 1364),
    "gta2cityscapes": (24_966, 2975),
}
SHAPES_DIFFER = ("portrait", "cat2dog")
MOST_STEPS = 500_000  # steps of all networks


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    presets = ("scenes", *IMAGES, "custom")
    if preset not in presets:
        raise UserError(f"configs/drit.py has no preset {preset!r}; choose one of {', '.join(presets)}")
    config = default_config()
    config.method = "drit"
    common_model(config)
    config.model.discriminator = ConfigDict({"num_scales": 3, "width": 64, "spectral": False})

    config.loss = ConfigDict()
    config.loss.group = 2  # of so many images the first is translated; the others are real samples alone
    config.loss.content_iterations = 3  # steps of the content discriminator to one of all networks
    weights = {"adversarial": 1.0, "content_adversarial": 1.0, "cross_cycle": 10.0, "reconstruction": 10.0}
    weights |= {"content_prior": 0.01, "attribute_prior": 0.01, "latent": 10.0, "mode_seeking": 1.0}
    config.loss.weights = ConfigDict(weights)
    common_optimizer(config, JUDGES)

    if preset == "scenes":
        _scenes(config)
    else:
        folders(config, images=max(IMAGES.get(preset, (2000,))))
        config.model.concat = preset not in SHAPES_DIFFER
    if preset == "gta2cityscapes":
        _high_resolution(config)
    return config


def common_model(config: ConfigDict) -> None:
    """The networks that both forms have."""
    config.model = ConfigDict()
    config.model.init, config.model.init_gain = "normal", 0.02
    config.model.width = 64  # channels of the encoders' first convolutions, doubled by each down-sampling
    config.model.num_downsamplings = 2  # of content codes
    config.model.attribute_dim = 8
    config.model.concat = True  # or False: attributes transform features, for domains whose shapes differ
    config.model.two_scale = False  # whether the generator makes an image of half the size too
    config.model.content_discriminator = ConfigDict({"num_layers": 3, "kernel_size": 7})


def common_optimizer(config: ConfigDict, judges: tuple[str, ...]) -> None:
    """The authors' optimiser; `judges` are the discriminators of images."""
    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.999
    config.optimizer.weight_decay = 1e-4
    config.optimizer.phase_clips.content_discriminator = 5.0
    rates = dict.fromkeys((*ENCODERS, "generator", *judges), 1e-4)
    config.optimizer.learning_rate = ConfigDict(rates | {"content_discriminator": 4e-5})
    config.ema.networks = (*ENCODERS, "generator")
    config.data.pairing = "unpaired"


def folders(config: ConfigDict, *, images: int) -> None:
    """The authors' run on folders: 256x256, a crop of 216, 1200 epochs of batches of two, the last 600 ever slower.

    Args:
        images: length of an epoch.
    """
    epoch = images // 2
    config.batch_size = 2
    config.mesh.data = 1
    config.num_steps = min(1200 * epoch, MOST_STEPS * config.loss.content_iterations)
    config.optimizer.decay_start, config.optimizer.decay_steps = 600 * epoch, 600 * epoch
    config.log_every, config.image_every, config.checkpoint_every = 50, 3000, 9000
    config.data.name, config.data.eval_split = "two_folders", "test"
    config.data.preprocess, config.data.load_size = "resize_and_crop", 256
    config.data.height = config.data.width = 216
    config.data.num_workers = 8
    config.eval.num_images, config.eval.batch_size = 100, 1
    config.eval.samples_per_input = 10


def _high_resolution(config: ConfigDict) -> None:
    config.model.two_scale, config.model.discriminator.num_scales = True, 2
    # The authors' option --ms seeks modes with weight 0.1.
    config.loss.weights.mode_seeking = 0.0
    epoch = max(IMAGES["gta2cityscapes"]) // 2
    config.num_steps = min(90 * epoch, MOST_STEPS * config.loss.content_iterations)
    config.optimizer.decay_start, config.optimizer.decay_steps = 45 * epoch, 45 * epoch
    config.data.preprocess, config.data.load_size = "scale_shortside_and_crop", 360
    config.data.height = config.data.width = 340


def small(config: ConfigDict, judges: tuple[str, ...]) -> None:
    """Networks, weights and rates for `scenes`, in minutes on two CPU cores; `judges` are discriminators of images."""
    config.ema.decay = 0.99
    config.model.init = "kaiming"
    config.model.width = 12
    config.model.discriminator.width = 16
    # Content codes of 32x32 keep the layout of so small pictures.
    config.model.num_downsamplings = 1
    config.model.content_discriminator.update(num_layers=3, kernel_size=4)
    # A short run has to learn first to reconstruct, and to take drawn attributes for encoded ones.
    config.loss.weights.update(cross_cycle=20.0, reconstruction=20.0, attribute_prior=0.05)
    # On small networks: faster rates than the paper's, which fall over the second half.
    rates = dict.fromkeys(config.optimizer.learning_rate, 1e-3) | dict.fromkeys(judges, 5e-4)
    config.optimizer.learning_rate = ConfigDict(rates | {"content_discriminator": 4e-4})
    config.optimizer.b2 = 0.99
    config.eval.samples_per_input = 3


def duration(config: ConfigDict, num_steps: int) -> None:
    """So many steps, over whose second half the rates fall, with pictures and checkpoints every sixth."""
    config.num_steps = num_steps
    config.image_every = config.checkpoint_every = num_steps // 6
    config.optimizer.decay_start = config.optimizer.decay_steps = num_steps // 2


def _scenes(config: ConfigDict) -> None:
    small(config, JUDGES)
    duration(config, 1700)
    config.batch_size = 2  # one pair is translated
    config.loss.content_iterations = 1
    # Drawn attributes differ by more than enough at first.
    config.loss.weights.mode_seeking = 0.2
    config.model.discriminator.num_scales = 2
    config.data.source_domain, config.data.domain = "day", "night"

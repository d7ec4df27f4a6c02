"""MUNIT (Huang et al., ECCV 2018).

    python train.py --config configs/munit.py --workdir runs/munit
    python train.py --config configs/munit.py:edges2shoes --workdir runs/shoes --config.data.root=/data/edges2shoes

Presets: `scenes` (the default: day to night, in minutes on two CPU cores); the authors' `edges2shoes`,
`edges2handbags`, `summer2winter_yosemite` and `synthia2cityscapes` with the numbers of their code; `cats2dogs`,
`cats2big_cats` and `dogs2big_cats`, of the paper, for which the authors give no recipe: that of the edges; and `custom`
for folders of your own. Sets are read from trainA, trainB, testA and testB below data.root; domain a of the authors is
the one that is translated, A with data.direction=AtoB.
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config

NETWORKS = ("generator_a", "generator_b", "discriminator_a", "discriminator_b")
EDGES = ("edges2shoes", "edges2handbags", "cats2dogs", "cats2big_cats", "dogs2big_cats")
PRESETS = ("scenes", *EDGES, "summer2winter_yosemite", "synthia2cityscapes", "custom")


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    if preset not in PRESETS:
        raise UserError(f"configs/munit.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = default_config()
    config.method = "munit"

    config.model = ConfigDict()
    config.model.init = "kaiming"
    config.model.init_gain = 2**0.5  # of the kinds that have one
    config.model.discriminator_init = "normal"
    config.model.discriminator_init_gain = 0.02
    config.model.generator = ConfigDict(
        {
            "width": 64,
            "style_dim": 8,
            "mlp_width": 256,
            "num_downsamplings": 2,
            "num_blocks": 4,
            "activation": "relu",  # or leaky_relu, prelu, selu, tanh
            "padding": "reflect",  # or replicate, zeros
        }
    )
    config.model.discriminator = ConfigDict(
        {
            "num_scales": 3,
            "width": 64,
            "num_layers": 4,
            "norm": "none",  # or instance, layer, batch, spectral
            "activation": "leaky_relu",
            "padding": "reflect",
        }
    )

    config.loss = ConfigDict()
    config.loss.adversarial = "least_squares"  # or cross_entropy
    weights = {"adversarial": 1.0, "reconstruction": 10.0, "style": 1.0, "content": 1.0, "cycle": 10.0}
    config.loss.weights = ConfigDict(weights | {"perceptual": 0.0})
    config.loss.vgg_weights = ""  # file of Caffe's VGG-16; needed where loss.weights.perceptual is not 0

    config.optimizer.b1, config.optimizer.b2 = 0.5, 0.999
    config.optimizer.weight_decay = 1e-4
    config.optimizer.learning_rate = ConfigDict(dict.fromkeys(NETWORKS, 1e-4))
    config.ema.networks = ("generator_a", "generator_b")
    config.data.pairing = "unpaired"

    if preset == "scenes":
        _scenes(config)
    else:
        folders(config, size=512 if preset == "synthia2cityscapes" else 256)
        config.eval.samples_per_input = 10
    if preset in EDGES:
        config.loss.weights.cycle = 0.0
    if preset == "synthia2cityscapes":
        config.loss.weights.perceptual = 1.0
    return config


def _scenes(config: ConfigDict) -> None:
    small(config)
    config.model.generator.mlp_width = 64
    config.loss.weights.style = 2.0
    config.eval.samples_per_input = 3


def small(config: ConfigDict) -> None:
    """Day to night on `scenes`, in minutes on two CPU cores."""
    config.batch_size = 2
    config.num_steps = 1600
    config.image_every = config.checkpoint_every = 400
    config.ema.decay = 0.99
    # Content codes of 32x32 keep the layout of so small pictures.
    config.model.generator.update(width=16, num_downsamplings=1, num_blocks=1)
    config.model.discriminator.update(width=32, num_layers=3, num_scales=2)
    config.model.discriminator_init = "kaiming"
    config.data.source_domain, config.data.domain = "day", "night"
    # A short run on small networks: faster rates than the paper's, which fall over its second half.
    rates = dict.fromkeys(NETWORKS, 0.001)
    config.optimizer.learning_rate = ConfigDict(rates)
    config.optimizer.decay_start, config.optimizer.decay_steps = config.num_steps // 2, config.num_steps // 2


def folders(config: ConfigDict, *, size: int) -> None:
    """The authors' run on folders: the short side to `size` pixels, a square crop, batches of one, rates that halve."""
    config.batch_size, config.num_steps = 1, 1_000_000
    config.optimizer.decay_every, config.optimizer.decay_factor = 100_000, 0.5
    config.log_every, config.image_every, config.checkpoint_every = 50, 5000, 10_000
    config.data.name, config.data.eval_split = "two_folders", "test"
    config.data.height = config.data.width = config.data.load_size = size
    config.data.preprocess = "scale_shortside_and_crop"
    config.data.num_workers = 8
    config.eval.num_images = 100

"""StarGAN v2 (Choi et al., CVPR 2020).

    python train.py --config configs/stargan_v2.py --workdir runs/stargan_v2
    python train.py --config configs/stargan_v2.py:afhq --workdir runs/afhq --config.data.root=/data/afhq
    python train.py --config configs/stargan_v2.py:celeba_hq --workdir runs/celeba --config.data.root=/data/celeba_hq \
        --config.model.face_alignment_weights=/data/wing.ckpt

Presets: `scenes` (the default: day, dusk, night and winter, in minutes on two CPU cores), `celeba_hq` and `afhq` with
the paper's numbers, and `custom` for folders of your own (data.root with train/DOMAIN and val/DOMAIN, data.domains).
`--config.eval.guide=reference` evaluates styles of references in place of those of latents.

The authors' checkpoints hold their networks side by side in one file; those of averages are made a run by

    python -m jaxsyn.interop import --config configs/stargan_v2.py:afhq --workdir runs/afhq \
        generator=100000_nets_ema.ckpt:generator mapping_network=100000_nets_ema.ckpt:mapping_network \
        style_encoder=100000_nets_ema.ckpt:style_encoder
"""

from ml_collections import ConfigDict

from jaxsyn.errors import UserError
from jaxsyn.training.config import default_config


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    config = default_config()
    config.method = "stargan_v2"

    config.model = ConfigDict()
    config.model.init = "kaiming"
    # Channels of the first convolutions, doubled with every halving of the size: 2**14 / size in the authors' code.
    config.model.width = 64
    config.model.max_width = 512
    config.model.bottleneck = 16  # height of the generator's coarsest features, half of it with the high-pass skip
    config.model.style_dim = 64
    config.model.latent_dim = 16
    config.model.hidden = 512  # of the mapping network
    config.model.high_pass = 0.0  # 1: the high-pass skip by masks of faces
    config.model.face_alignment_weights = ""  # file of wing.ckpt, needed by the high-pass skip

    config.loss = ConfigDict()
    config.loss.weights = ConfigDict(
        {"real": 1.0, "fake": 1.0, "r1": 1.0, "adversarial": 1.0, "style": 1.0, "diversity": 1.0, "cycle": 1.0}
    )
    config.loss.diversity_steps = 100_000  # steps in which the diversity weight falls to zero

    config.optimizer.b1, config.optimizer.b2 = 0.0, 0.99
    config.optimizer.weight_decay = 1e-4
    rates = {"generator": 1e-4, "style_encoder": 1e-4, "discriminator": 1e-4, "mapping_network": 1e-6}
    config.optimizer.learning_rate = ConfigDict(rates)
    config.ema.decay, config.ema.networks = 0.999, ("generator", "mapping_network", "style_encoder")
    config.eval.guide = "latent"  # or reference: what styles are taken from

    config.data.pairing, config.data.second_image = "unpaired", True

    presets = {"scenes": _scenes, "celeba_hq": _celeba_hq, "afhq": _afhq, "custom": _folders}
    if preset not in presets:
        raise UserError(f"configs/stargan_v2.py has no preset {preset!r}; choose one of {', '.join(presets)}")
    presets[preset](config)
    return config


def _scenes(config: ConfigDict) -> None:
    config.batch_size = 1
    config.num_steps = 2600
    config.image_every = config.checkpoint_every = 650
    config.ema.decay = 0.99
    config.data.domains = ("day", "dusk", "night", "winter")
    # Features of 32x32 keep the layout of so small pictures.
    config.model.update(width=12, max_width=48, bottleneck=32, style_dim=16, hidden=64)
    config.loss.weights.cycle = 10.0
    config.loss.diversity_steps = config.num_steps
    # A short run on small networks: faster rates than the paper's, which fall over its second half.
    rates = {"generator": 1e-3, "style_encoder": 1e-3, "discriminator": 3e-4, "mapping_network": 1e-4}
    config.optimizer.learning_rate = ConfigDict(rates)
    config.optimizer.decay_start, config.optimizer.decay_steps = config.num_steps // 2, config.num_steps // 2
    config.eval.samples_per_input = 3


def _folders(config: ConfigDict) -> None:
    config.batch_size, config.num_steps = 8, 100_000
    config.log_every, config.image_every, config.checkpoint_every = 50, 1000, 5000
    config.data.name = "domain_folders"
    config.data.height = config.data.width = 256
    config.data.window_share = 0.5  # of 0.8 to 1 of the area, nearly square
    config.data.num_workers = 4
    config.eval.num_images, config.eval.samples_per_input, config.eval.reference = 5000, 10, "train"


def _celeba_hq(config: ConfigDict) -> None:
    _folders(config)
    config.data.domains = ("female", "male")
    config.model.high_pass = 1.0


def _afhq(config: ConfigDict) -> None:
    _folders(config)
    config.data.domains = ("cat", "dog", "wild")
    config.loss.weights.diversity = 2.0

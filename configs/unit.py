"""UNIT (Liu et al., NIPS 2017), as the authors' later code has it.

    python train.py --config configs/unit.py --workdir runs/unit
    python train.py --config configs/unit.py:edges2shoes --workdir runs/shoes --config.data.root=/data/edges2shoes

Presets: `scenes` (the default: day to night, in minutes on two CPU cores); the authors' `edges2shoes`,
`edges2handbags`, `summer2winter_yosemite`, `gta2cityscapes` and `gta2cityscapes_512` with the numbers of that code (the
paper's own networks are others); and `custom` for folders of your own. Sets are read from trainA, trainB, testA and
testB below data.root; domain a of the authors is the one that is translated, A with data.direction=AtoB.
"""

from ml_collections import ConfigDict

from configs.munit import folders
from configs.munit import get_config as munit_config
from jaxsyn.errors import UserError

PRESETS = (
    "scenes",
    "edges2shoes",
    "edges2handbags",
    "summer2winter_yosemite",
    "gta2cityscapes",
    "gta2cityscapes_512",
    "custom",
)


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    if preset not in PRESETS:
        raise UserError(f"configs/unit.py has no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    config = munit_config("scenes" if preset == "scenes" else "custom")
    config.method = "unit"
    for name in ("style_dim", "mlp_width"):
        del config.model.generator[name]
    # Residual blocks that the domains share, the encoders' last and the decoders' first, as in the paper; 0 in the
    # authors' later code.
    config.model.tied_blocks = 0
    config.ema.networks += ("tied",)
    config.optimizer.learning_rate.tied = config.optimizer.learning_rate.generator_a
    weights = {"adversarial": 1.0, "reconstruction": 10.0, "kl": 0.01, "cycle": 10.0, "kl_cycle": 0.01}
    config.loss.weights = ConfigDict(weights | {"perceptual": 0.0})
    config.eval.samples_per_input = 1
    if preset == "scenes":
        config.num_steps = 1200
        config.optimizer.decay_start = config.optimizer.decay_steps = config.num_steps // 2
        config.model.generator.num_blocks = config.model.tied_blocks = 2
    if preset == "gta2cityscapes_512":
        folders(config, size=512)
    if preset.startswith("gta2cityscapes"):
        config.loss.weights.perceptual = 1.0
    return config

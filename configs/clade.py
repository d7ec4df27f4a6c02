"""CLADE and CLADE-ICPE (Tan et al., TPAMI 2021).

    python train.py --config configs/clade.py --workdir runs/clade
    python train.py --config configs/clade.py:cityscapes --workdir runs/cityscapes \
        --config.data.root=/data/cityscapes --config.loss.vgg_weights=/data/vgg19-dcbb9e9d.pth

Presets: `scenes` (the default: minutes on two CPU cores; with positions), `cityscapes`, `ade20k`, `ade20k_outdoor`,
`coco_stuff` with the paper's numbers, which are SPADE's, and `custom` for folders of your own.
`--config.data.use_positions=True` makes CLADE of the paper's presets CLADE-ICPE.
"""

from ml_collections import ConfigDict

from configs.spade import get_config as spade_config


def get_config(preset: str = "scenes") -> ConfigDict:
    """The recipe under one of the presets' names."""
    config = spade_config(preset)
    config.method = "clade"
    # What is SPADE's alone: the baseline, and the convolutions over the label map.
    del config.model.architecture, config.model.resnet
    del config.model.generator.hidden, config.model.generator.kernel_size
    if preset == "scenes":
        _scenes(config)
    return config


def _scenes(config: ConfigDict) -> None:
    config.data.use_positions = True
    config.model.generator.width = 14  # CLADE's layers cost less than SPADE's

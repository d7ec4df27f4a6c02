"""The authors' PyTorch SPADE as programs, from a copy of their repository that the user has.

It is loaded by its own modules and options. Two things that it imports are replaced where they are missing: the
submodule of synchronised batch norm by torch's own batch norm, which is what it does on one device, and torchvision,
of which only the perceptual loss needs more than the name.
"""

import importlib.util
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxsyn.errors import UserError

SYNCHRONISED = "models.networks.sync_batchnorm"


def reference_inference(arguments: Mapping[str, Any]) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Maker of the program that makes images in evaluation mode, one-hot encoding included.

    Args:
        arguments: `reference`, the repository's path; `config`, our recipe as a dict; `batch`, arrays by name.
    """
    trainer, data = _trainer(arguments)
    model = trainer.pix2pix_model.eval()
    return lambda: model(dict(data), mode="inference"), _facts()


def reference_step(arguments: Mapping[str, Any]) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Maker of the program that trains both networks once; arguments as for `reference_inference`."""
    trainer, data = _trainer(arguments)

    def step() -> None:
        trainer.run_generator_one_step(dict(data))
        trainer.run_discriminator_one_step(dict(data))

    return step, _facts()


def reference_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The authors' options, by name, of the networks and losses of our recipe.

    Raises:
        UserError: the recipe has what theirs has not, or what needs weights.
    """
    model, data, loss = config["model"], config["data"], config["loss"]
    if config["method"] != "spade" or model["architecture"] != "spade" or model["use_vae"]:
        raise UserError("the reference is SPADE's own generator, without an encoder: give such a recipe of spade")
    if loss["weights"]["perceptual"]:
        raise UserError("the reference's VGG needs weights of its own: add loss.weights.perceptual=0 to the recipe")
    generator, discriminator = model["generator"], model["discriminator"]
    if generator["hidden"] != 128 or loss["adversarial"] != "hinge" or config["compute_dtype"] != "float32":
        raise UserError("the reference has hidden=128, adversarial=hinge and float32: so must the recipe")
    spectral = "spectral" if generator["spectral"] else ""
    size = generator["kernel_size"]
    return {
        "isTrain": True,
        "gpu_ids": [],
        "batchSize": config["batch_size"],
        "crop_size": data["width"],
        "aspect_ratio": data["width"] / data["height"],
        "label_nc": data["num_classes"],
        "contain_dontcare_label": data["unknown_label"] is not None,
        "no_instance": not data["use_instance"],
        "semantic_nc": data["num_classes"] + (data["unknown_label"] is not None) + data["use_instance"],
        "ngf": generator["width"],
        "ndf": discriminator["width"],
        "num_upsampling_layers": generator["upsampling"],
        "norm_G": f"{spectral}spade{generator['norm']}{size}x{size}",
        "num_D": discriminator["num_scales"],
        "n_layers_D": discriminator["num_layers"],
        "no_vgg_loss": True,
    }


def _trainer(arguments: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    root = Path(arguments["reference"])
    if not (root / "models/networks/generator.py").is_file():
        raise UserError(f"--reference={root}: this is no copy of the authors' repository (models/networks is missing)")
    try:
        import torch
    except ImportError:
        raise UserError("the reference runs on PyTorch: pip install torch") from None
    sys.path.insert(0, str(root))
    _stand_in(root, torch)
    # Their options are read from the command line; those of the recipe are set afterwards.
    sys.argv = [sys.argv[0], "--dataset_mode", "cityscapes", "--netG", "spade"]
    from options.train_options import TrainOptions
    from trainers.pix2pix_trainer import Pix2PixTrainer

    options = TrainOptions().gather_options()
    vars(options).update(reference_options(arguments["config"]))
    torch.manual_seed(0)
    return Pix2PixTrainer(options), _tensors(arguments["batch"], torch)


def _tensors(batch: Mapping[str, np.ndarray], torch: Any) -> dict[str, Any]:
    data = {"image": torch.from_numpy(np.ascontiguousarray(batch["image"].transpose(0, 3, 1, 2)))}
    for name in ("label", "instance"):
        data[name] = torch.from_numpy(batch[name].astype(np.int64))[:, None] if name in batch else torch.zeros(1)
    return data


def _stand_in(root: Path, torch: Any) -> None:
    if not (root / SYNCHRONISED.replace(".", "/") / "__init__.py").is_file():
        one_device = types.ModuleType(SYNCHRONISED)
        one_device.SynchronizedBatchNorm2d = torch.nn.BatchNorm2d
        one_device.DataParallelWithCallback = torch.nn.DataParallel
        sys.modules[SYNCHRONISED] = one_device
    if importlib.util.find_spec("torchvision") is None:
        vision, transforms = types.ModuleType("torchvision"), types.ModuleType("torchvision.transforms")
        vision.transforms = transforms
        sys.modules |= {"torchvision": vision, "torchvision.transforms": transforms}
    if importlib.util.find_spec("dill") is None:
        import pickle

        sys.modules["dill"] = pickle


def _facts() -> dict[str, Any]:
    import torch

    return {"library": f"torch {torch.__version__}", "threads": torch.get_num_threads()}

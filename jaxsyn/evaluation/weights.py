"""Weights of the networks that measure: a file of the user's, else the cache directory, else one line on what to get.

Nothing is downloaded unless asked for. The cache is the directory in the environment variable JAXSYN_WEIGHTS, or
~/.cache/jaxsyn.
"""

import hashlib
import os
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from tqdm import tqdm

from jaxsyn.atomic import whole_file
from jaxsyn.errors import UserError
from jaxsyn.evaluation.score import Score
from jaxsyn.interop.files import read_state_dict
from jaxsyn.interop.state_dict import Rules, expected_shapes, from_state_dict

SUFFIXES = (".pth", ".pt", ".safetensors", ".npz")
_TORCHVISION = "https://download.pytorch.org/models/"
_LPIPS = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/"
_UPERNET = "http://sceneparsing.csail.mit.edu/model/pytorch/ade20k-resnet101-upernet/"


class PublicWeights(NamedTuple):
    """One public file.

    file: its name in the cache, with any of SUFFIXES in place of its own.
    origin: its address, or the page that links to it.
    sha256: the digest or how it begins, "" where none is published; only files with one are downloaded.
    """

    file: str
    origin: str
    sha256: str = ""


PUBLIC_WEIGHTS = {
    "inception": PublicWeights(
        "pt_inception-2015-12-05-6726825d.pth",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "6726825d",
    ),
    "inception_torchvision": PublicWeights(
        "inception_v3_google-0cc3c7bd.pth", _TORCHVISION + "inception_v3_google-0cc3c7bd.pth", "0cc3c7bd"
    ),
    "vgg19": PublicWeights("vgg19-dcbb9e9d.pth", _TORCHVISION + "vgg19-dcbb9e9d.pth", "dcbb9e9d"),
    "vgg16": PublicWeights("vgg16-397923af.pth", _TORCHVISION + "vgg16-397923af.pth", "397923af"),
    "alexnet": PublicWeights("alexnet-owt-7be5be79.pth", _TORCHVISION + "alexnet-owt-7be5be79.pth", "7be5be79"),
    "squeezenet": PublicWeights("squeezenet1_1-b8a52dc0.pth", _TORCHVISION + "squeezenet1_1-b8a52dc0.pth", "b8a52dc0"),
    "lpips_alex": PublicWeights(
        "lpips_v0.1_alex.pth", _LPIPS + "alex.pth", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"
    ),
    "lpips_vgg": PublicWeights(
        "lpips_v0.1_vgg.pth", _LPIPS + "vgg.pth", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"
    ),
    "lpips_squeeze": PublicWeights(
        "lpips_v0.1_squeeze.pth",
        _LPIPS + "squeeze.pth",
        "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
    ),
    "drn_d_105": PublicWeights("drn-d-105_ms_cityscapes.pth", "http://go.yf.io/drn-cityscapes-models"),
    "upernet_encoder": PublicWeights("upernet101_encoder_epoch_50.pth", _UPERNET + "encoder_epoch_50.pth"),
    "upernet_decoder": PublicWeights("upernet101_decoder_epoch_50.pth", _UPERNET + "decoder_epoch_50.pth"),
    "deeplab": PublicWeights(
        "deeplabv2_resnet101_msc-cocostuff164k-100000.pth",
        "https://github.com/kazuto1011/deeplab-pytorch/releases/download/v1.0/"
        "deeplabv2_resnet101_msc-cocostuff164k-100000.pth",
    ),
    "celebamask_unet": PublicWeights(
        "celebamask_hq.pt", "https://github.com/NVlabs/imaginaire (imaginaire/evaluation/segmentation/common.py)"
    ),
}


class LoadedWeights(NamedTuple):
    """Variables of a network; the file they came from and its SHA-256, for the record."""

    variables: dict[str, Any]
    file: str
    sha256: str


class MissingWeights(NamedTuple):
    """Weights that are not there: their file, and a line that says which, from where, and where to put it."""

    file: str
    line: str


def cache_directory() -> Path:
    """The directory in JAXSYN_WEIGHTS, or ~/.cache/jaxsyn."""
    return Path(os.environ.get("JAXSYN_WEIGHTS") or Path.home() / ".cache" / "jaxsyn").expanduser()


def find_weights(name: str, path: str | os.PathLike | None = None) -> Path | None:
    """The file of PUBLIC_WEIGHTS[name]: `path` if given, else in the cache, in any of SUFFIXES; None where it is not.

    Raises UserError for a given path that does not exist.
    """
    if path is not None:
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file; give the weights of {name} or leave the path out")
        return Path(path)
    stem = cache_directory() / Path(PUBLIC_WEIGHTS[name].file).stem
    found = [stem.with_name(stem.name + suffix) for suffix in SUFFIXES]
    return next((file for file in found if file.is_file()), None)


def load_weights(
    name: str,
    template: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
    rules: Rules = (),
    path: str | os.PathLike | None = None,
    download: bool = False,
) -> LoadedWeights | MissingWeights:
    """Variables shaped as `template` from the public weights `name`; MissingWeights where there is no file.

    template, rules: as for `jaxsyn.interop.state_dict.from_state_dict`; a function that makes the template is called
    only where there is a file. Entries of the file that the template lacks (a classifier, an auxiliary head) are left
    out.
    path: a file to take instead of the cache's. download: fetch a file that is missing, if its digest is known.
    Raises UserError for a file that cannot be read or does not fit.
    """
    file = find_weights(name, path)
    if file is None and download and PUBLIC_WEIGHTS[name].sha256:
        file = _download(PUBLIC_WEIGHTS[name])
    if file is None:
        return MissingWeights(PUBLIC_WEIGHTS[name].file, _remedy(PUBLIC_WEIGHTS[name]))
    if callable(template):
        template = template()
    state = read_state_dict(file)
    expected = expected_shapes(template, rules)
    state = {entry.removeprefix("module."): array for entry, array in state.items()}
    used = {entry: array for entry, array in state.items() if entry in expected}
    return LoadedWeights(from_state_dict(used, template, rules, source=str(file)), str(file), sha256(file))


def shapes_of(network: nn.Module, *inputs: Any) -> Callable[[], dict[str, Any]]:
    """A template of a network's variables for `load_weights`; inputs: arrays' shapes, float32, or nests of them."""

    def is_shape(x: Any) -> bool:
        return all(isinstance(side, int) for side in x)

    def template() -> dict[str, Any]:
        structs = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x, jnp.float32), inputs, is_leaf=is_shape)
        return jax.eval_shape(network.init, jax.random.key(0), *structs)

    return template


def skipped(*missing: MissingWeights) -> Score:
    """The score of a metric whose weights are missing."""
    return Score(None, f"skipped: needs {', '.join(m.file for m in missing)}", missing=tuple(m.line for m in missing))


def sha256(file: str | os.PathLike) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remedy(weights: PublicWeights) -> str:
    stem = Path(weights.file).stem
    where = f"put it into {cache_directory()} (or set JAXSYN_WEIGHTS) as {weights.file}, or {stem}.safetensors or .npz"
    return f"missing {weights.file}: get it from {weights.origin}; {where}"


def _download(weights: PublicWeights) -> Path:
    target = cache_directory() / weights.file
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole_file(target) as partial:
            with urllib.request.urlopen(weights.origin, timeout=60) as response, open(partial, "wb") as stream:
                size = int(response.headers.get("Content-Length") or 0) or None
                with tqdm(total=size, unit="B", unit_scale=True, desc=weights.file) as bar:
                    while block := response.read(1 << 20):
                        stream.write(block)
                        bar.update(len(block))
            digest = sha256(partial)
            if not digest.startswith(weights.sha256):
                raise UserError(
                    f"{weights.origin}: SHA-256 {digest}, expected {weights.sha256}: "
                    f"the file is damaged or changed; download it by hand and compare"
                )
    except OSError as error:
        raise UserError(f"{weights.origin}: download failed ({error}); download it by hand to {target}") from error
    return target

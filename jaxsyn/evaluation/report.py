"""The evaluation of a run as one HTML file that needs no other."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from jaxsyn.data import colour, num_label_classes, open_source
from jaxsyn.evaluation.curves import plot, read_curves
from jaxsyn.evaluation.evaluator import Evaluation
from jaxsyn.evaluation.gallery import Exhibit, Gallery
from jaxsyn.training.workdir import METRICS, write_atomically

# Smaller pictures are enlarged pixel by pixel, larger photographs embedded as JPEG: a page of PNGs is too heavy.
SMALL = 128 * 128

# Metric -> what it is, and which way is better.
MEANINGS = {
    "ssim": ("structural similarity to the true image", "higher"),
    "psnr": ("peak signal-to-noise ratio to the true image, dB", "higher"),
    "l1": ("mean absolute difference from the true image, pixels in [-1, 1]", "lower"),
    "scenes_miou": ("mean IoU of what the segmenter of scenes sees in generated images with the label map", "higher"),
    "scenes_miou_real": ("the same for true images: what can be reached", ""),
    "scenes_miou_ratio": ("generated over true", "higher"),
    "scenes_accuracy": ("share of pixels that the segmenter of scenes names as the label map does", "higher"),
    "scenes_accuracy_real": ("the same for true images: what can be reached", ""),
    "scenes_fd": ("Frechet distance of that segmenter's features: not an FID", "lower"),
}


class Row(NamedTuple):
    """A record in the report: a caption, and a title with a data URI for each picture."""

    caption: str
    pictures: list[tuple[str, str]]


def write_report(
    path: Path, workdir: Path, config: ConfigDict, step: int, evaluation: Evaluation, gallery: Gallery
) -> None:
    """Writes the page: scores, images (label map, generated, true), best and worst by L1, training curves, protocol."""
    source = open_source(config.data, "val")
    sections = [
        ("First images", gallery.first),
        ("Nearest to the true image, by L1", gallery.best),
        ("Farthest from the true image, by L1", gallery.worst),
    ]
    environment = jinja2.Environment(loader=jinja2.PackageLoader("jaxsyn.evaluation"), autoescape=True)
    page = environment.get_template("report.html").render(
        title=f"{config.method} on {config.data.name}, step {step}",
        workdir=workdir,
        small=config.data.height * config.data.width <= SMALL,
        metrics=[(name, score, *MEANINGS.get(name, ("", ""))) for name, score in evaluation.scores.items()],
        protocol=evaluation.protocol,
        details=_details(evaluation),
        sections=[(title, [_row(e, source, config) for e in exhibits]) for title, exhibits in sections if exhibits],
        curves={
            phase: {term: _uri(plot(series).encode(), "svg+xml") for term, series in terms.items()}
            for phase, terms in read_curves(workdir / METRICS).items()
        },
    )
    write_atomically(path, page)


def _details(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What metrics depend on beside the common protocol; those that share it stand together."""
    sharing: dict[str, list[str]] = {}
    for name, score in evaluation.scores.items():
        text = ", ".join(f"{key}: {value}" for key, value in score.protocol.items())
        sharing.setdefault(text, []).append(name)
    return [(", ".join(names), text) for text, names in sharing.items() if text]


def _row(exhibit: Exhibit, source: Sequence[dict], config: ConfigDict) -> Row:
    coloured = colour(exhibit.label, num_label_classes(config.data), config.data.name)
    photograph = "PNG" if exhibit.label.size <= SMALL else "JPEG"
    pictures = [
        ("label map", _image(coloured, "PNG")),
        ("generated", _image(exhibit.fake, photograph)),
        ("true", _image(exhibit.real, photograph)),
    ]
    return Row(f"{source[exhibit.index]['name']}, L1 {exhibit.l1:.3f}", pictures)


def _image(picture: np.ndarray, encoding: str) -> str:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, encoding, quality=90)
    return _uri(stream.getvalue(), encoding.lower())


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"

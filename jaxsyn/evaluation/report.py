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

from jaxsyn.atomic import write_text
from jaxsyn.data import colour, num_label_classes, open_inputs
from jaxsyn.evaluation.curves import plot, read_curves
from jaxsyn.evaluation.evaluator import Evaluation
from jaxsyn.evaluation.gallery import Exhibit, Gallery
from jaxsyn.evaluation.meanings import meaning
from jaxsyn.training.workdir import METRICS

# Smaller pictures are enlarged pixel by pixel, larger photographs embedded as JPEG: a page of PNGs is too heavy.
SMALL = 128 * 128


class Row(NamedTuple):
    """A record in the report: a caption, and a title with a data URI for each picture."""

    caption: str
    pictures: list[tuple[str, str]]


def write_report(
    path: Path, workdir: Path, config: ConfigDict, step: int, evaluation: Evaluation, gallery: Gallery
) -> None:
    """Writes the page: scores, images (given, generated, true), best and worst, training curves, protocol."""
    source = open_inputs(config.data, "val")
    sections = [("First images", gallery.first)]
    if config.data.pairing != "unpaired":
        sections += [
            (f"Nearest to the true image, by {gallery.ranked_by}", gallery.best),
            (f"Farthest from the true image, by {gallery.ranked_by}", gallery.worst),
        ]
    environment = jinja2.Environment(loader=jinja2.PackageLoader("jaxsyn.evaluation"), autoescape=True)
    page = environment.get_template("report.html").render(
        title=f"{config.method} on {config.data.name}, step {step}",
        workdir=workdir,
        columns=2 + max((len(e.samples) for e in gallery.first), default=1),
        small=config.data.height * config.data.width <= SMALL,
        metrics=[(name, score, *meaning(name)) for name, score in evaluation.scores.items()],
        protocol=evaluation.protocol,
        details=_details(evaluation),
        sections=[
            (title, [_row(e, gallery.ranked_by, source, config) for e in exhibits])
            for title, exhibits in sections
            if exhibits
        ],
        curves={
            phase: {term: _uri(plot(series).encode(), "svg+xml") for term, series in terms.items()}
            for phase, terms in read_curves(workdir / METRICS).items()
        },
    )
    write_text(path, page)


def _details(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What metrics depend on beside the common protocol; those that share it stand together."""
    sharing: dict[str, list[str]] = {}
    for name, score in evaluation.scores.items():
        text = ", ".join(f"{key}: {value}" for key, value in score.protocol.items())
        sharing.setdefault(text, []).append(name)
    return [(", ".join(names), text) for text, names in sharing.items() if text]


def _row(exhibit: Exhibit, ranked_by: str, source: Sequence[dict], config: ConfigDict) -> Row:
    photograph = "PNG" if exhibit.real[..., 0].size <= SMALL else "JPEG"
    if exhibit.given.ndim == 2:
        coloured = colour(exhibit.given, num_label_classes(config.data), config.data.name)
        given = ("label map", _image(coloured, "PNG"))
    else:
        given = ("source", _image(exhibit.given, photograph))
    names = ["generated"] if len(exhibit.samples) == 1 else [f"sample {i}" for i in range(len(exhibit.samples))]
    pictures = [
        given,
        *((name, _image(sample, photograph)) for name, sample in zip(names, exhibit.samples, strict=True)),
        ("true" if config.data.pairing != "unpaired" else "another", _image(exhibit.real, photograph)),
    ]
    return Row(f"{source[exhibit.index]['name']}, {ranked_by} {exhibit.distance:.3f}", pictures)


def _image(picture: np.ndarray, encoding: str) -> str:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, encoding, quality=90)
    return _uri(stream.getvalue(), encoding.lower())


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"

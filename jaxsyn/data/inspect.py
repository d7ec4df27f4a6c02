"""`python -m jaxsyn.data inspect`: the doctor of a data set."""

import os
from collections.abc import Sequence

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from jaxsyn.data.bad_records import COLLECT
from jaxsyn.data.check import examine, is_made_of_files, sources_of, spread
from jaxsyn.data.classes import class_names, colour, num_label_classes, unknown_class
from jaxsyn.data.pipeline import preprocess
from jaxsyn.data.sources import has_label_maps, left_out, split_name
from jaxsyn.errors import UserError

_SHEET_ROWS = 8
_SMALLEST_CELL = 192


def inspect(data: ConfigDict, output: str, quick: bool = False) -> list[str]:
    """Prints what is in the training and evaluation records of `config.data` and writes a contact sheet of each.

    Returns every problem found, one line each, which it prints as well. The sheets (image, coloured label map, instance
    edges) go to the folder `output`.

    Args:
        quick: of image files, read data.check_records in full and the header of each; else all of them in full.
    """
    problems = []
    data = data.copy_and_resolve_references()
    data.on_bad_record = COLLECT
    print(f"{data.name}: {num_label_classes(data)} label classes, pictures of {data.width}x{data.height}")
    for split in ("train", "val"):
        try:
            found = _inspect_split(data, split, output, quick)
        except UserError as error:
            print(f"{split} ({split_name(data, split)}): not readable")
            found = [str(error)]
        for problem in found:
            print(f"  problem: {problem}")
        problems += found
    print(f"{len(problems)} problems" if problems else "no problems")
    return problems


def _inspect_split(data: ConfigDict, split: str, output: str, quick: bool) -> list[str]:
    problems = []
    for name, source in sources_of(data, split).items():
        print(f"{split} ({split_name(data, split)}): {len(source)} {f'{name} pictures' if name else 'pairs'}")
        problems += left_out(source)
        sheet = "_".join(filter(None, (data.name, split, name)))
        sample = len(source) if is_made_of_files(source) and not quick else data.check_records
        problems += _inspect_source(source, data, split, os.path.join(output, f"{sheet}.png"), sample)
    return problems


def _inspect_source(source: Sequence[dict], data: ConfigDict, split: str, sheet: str, sample: int) -> list[str]:
    examined = list(examine(source, data, split, sample))
    problems = [record.problem for record in examined if record.problem]
    sizes = sorted((record.size for record in examined if record.size), key=lambda size: (size[0] * size[1], size))
    if sizes:
        smallest, median, largest = (f"{w}x{h}" for h, w in (sizes[0], sizes[len(sizes) // 2], sizes[-1]))
        print(f"  sizes: min {smallest}, median {median}, max {largest} (width x height, by area)")
    if has_label_maps(data):
        _print_classes(data, [record.pixels for record in examined if record.pixels is not None], len(source))
    outside = sorted({value for record in examined for value in record.outside})
    if outside:
        print(f"  ids outside the classes: {', '.join(map(str, outside))}")

    oriented = sum(record.oriented for record in examined)
    if oriented:
        images = "1 image is" if oriented == 1 else f"{oriented} images are"
        print(f"  EXIF orientation: {images} read as stored, which is the size of the label maps; see docs/data.md")

    sound = [record.index for record in examined if record.pixels is not None and not record.problem]
    if sound:
        os.makedirs(os.path.dirname(sheet), exist_ok=True)
        Image.fromarray(contact_sheet(source, [sound[i] for i in spread(_SHEET_ROWS, len(sound))], data)).save(sheet)
        print(f"  contact sheet: {sheet}")
    return problems


def _print_classes(data: ConfigDict, pixels: list[np.ndarray], records: int) -> None:
    print(f"  read in full: {len(pixels)} of {records} records")
    if not pixels:
        return
    counts = np.array(pixels)
    total, holding = counts.sum(0), (counts > 0).sum(0)
    names, unknown = class_names(data), unknown_class(data)
    print(f"  classes found: {np.count_nonzero(total)} of {len(names)}")
    for label in np.argsort(-total, kind="stable"):
        if total[label]:
            print(
                f"    {label:4d} {names[label]:<22} {total[label]:>12d} pixels {total[label] / total.sum():7.2%} "
                f"in {holding[label]} records"
            )
    missing = [f"{label} {name}" for label, name in enumerate(names) if not total[label]]
    print(f"  classes never seen: {', '.join(missing) or 'none'}")
    if unknown is not None:
        print(f"  unknown: {total[unknown] / total.sum():.2%} of the pixels")


def contact_sheet(source, indices: list[int], data: ConfigDict) -> np.ndarray:
    """One row a record, as evaluation sees it: image, source, coloured label map, instance edges, as there are.

    Returns uint8 `[rows * height, columns * width, 3]`.
    """
    rows = []
    for index in indices:
        record = preprocess(data).centre(source[index])
        cells = [record["image"]] + ([record["source"]] if "source" in record else [])
        if "label" in record:
            cells.append(colour(record["label"], num_label_classes(data), data.name))
        if data.use_instance:
            cells.append(np.repeat(instance_edges(record["instance"])[..., None] * np.uint8(255), 3, axis=-1))
        rows.append(np.concatenate(cells, axis=1))
    sheet = np.concatenate(rows, axis=0)
    enlarged = max(1, _SMALLEST_CELL // max(data.height, data.width))
    return sheet.repeat(enlarged, axis=0).repeat(enlarged, axis=1)


def instance_edges(instance: np.ndarray) -> np.ndarray:
    """Pixels whose instance id differs from a left, right, upper or lower neighbour: `[H, W]` ids to bool `[H, W]`."""
    edges = np.zeros(instance.shape, bool)
    beside = instance[:, 1:] != instance[:, :-1]
    below = instance[1:] != instance[:-1]
    edges[:, 1:] |= beside
    edges[:, :-1] |= beside
    edges[1:] |= below
    edges[:-1] |= below
    return edges

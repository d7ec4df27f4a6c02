"""Sources of pictures without label maps: a folder, two folders paired by name, or pairs side by side in one file."""

import os
from collections.abc import Callable, Sequence

from ml_collections import ConfigDict

from jaxsyn.data.files import record_name
from jaxsyn.data.folders import require_root, split_key
from jaxsyn.data.image_kinds import Header, check_photograph
from jaxsyn.data.images import read_header, read_image
from jaxsyn.data.listing import list_images, without_extension
from jaxsyn.errors import UserError, printable

DIRECTIONS = ("AtoB", "BtoA")


class PictureFiles:
    """Random access to records that are made of one or more picture files, checked as they are read.

    A record: "image" uint8 `[H, W, 3]`, "source" likewise where there are pairs, "domain" 0, "name" the file's stem.
    Pictures are turned upright by their EXIF orientation. Reading raises UserError for an unreadable file, one of
    unknown range, or sizes that differ.

    Attributes:
        files: of each record its files.
        problems: one line for each file that is in no record.
    """

    def __init__(
        self, files: list[tuple[str, ...]], read: Callable[[tuple[str, ...]], dict], problems: Sequence[str] = ()
    ):
        self.files = files
        self.problems = [printable(problem) for problem in problems]
        self._read = read

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> dict:
        files = self.files[index]
        return {**self._read(files), "domain": 0, "name": record_name(files[0])}

    def path(self, index: int) -> str:
        """The first file of a record."""
        return self.files[index][0]

    def record_files(self, index: int) -> tuple[str, ...]:
        """All files of a record."""
        return self.files[index]

    def check_header(self, index: int) -> Header:
        """Checks what the files say before decoding. Returns the size of the record's image."""
        files = self.files[index]
        headers = [read_header(file) for file in files]
        for file, header in zip(files, headers, strict=True):
            check_photograph(file, header)
        headers = [header.upright() for header in headers]
        _check_equal(files, [header.size for header in headers])
        if self._read in (_left_is_source, _right_is_source):
            _check_halves(files[0], headers[0].width)
            return headers[0]._replace(width=headers[0].width // 2)
        return headers[0]


def sides(data: ConfigDict) -> tuple[str, str]:
    """Which of A and B is translated and which is the result: by `data.direction`. Raises UserError for another one."""
    if data.direction not in DIRECTIONS:
        raise UserError(f"data.direction={data.direction}: choose one of {', '.join(DIRECTIONS)}")
    return ("A", "B") if data.direction == "AtoB" else ("B", "A")


def open_folder(data: ConfigDict, split: str) -> PictureFiles:
    """The result side alone of CycleGAN's layout, {root}/{split}A and {root}/{split}B."""
    folder = os.path.join(require_root(data, f"{split}A and {split}B"), split + sides(data)[1])
    return PictureFiles([(path,) for path in _paths(folder, split_key(data, split))], _plain)


def require_domains(data: ConfigDict, split: str) -> None:
    """Raises UserError unless data.domains are two or more of the folders in {root}/{split}."""
    parent = os.path.join(require_root(data, f"{split}/DOMAIN"), split)
    if not os.path.isdir(parent):
        raise UserError(f"{parent}: no such folder: correct {split_key(data, split)}")
    found = sorted(entry.name for entry in os.scandir(parent) if entry.is_dir())
    missing = [domain for domain in data.domains if domain not in found]
    if len(data.domains) < 2 or missing:
        named = f"{missing[0]!r} is not among them" if missing else "two or more are needed"
        raise UserError(f"data.domains={tuple(data.domains)}: {named}; {parent} has {', '.join(found) or 'no folders'}")


def open_domain_folder(data: ConfigDict, split: str, domain: str) -> PictureFiles:
    """One domain of StarGAN v2's layout, {root}/{split}/{domain}."""
    folder = os.path.join(data.root, split, domain)
    return PictureFiles([(path,) for path in _paths(folder, split_key(data, split))], _plain)


def open_two_folders(data: ConfigDict, split: str) -> PictureFiles:
    """Pairs of equal names in {root}/{split}A and {root}/{split}B; a picture without partner is a problem."""
    root, key = require_root(data, f"{split}A and {split}B"), split_key(data, split)
    named = []
    for side in sides(data):
        folder = os.path.join(root, split + side)
        named.append({without_extension(os.path.relpath(path, folder)): path for path in _paths(folder, key)})
    sources, targets = named
    alone = [sources.get(name) or targets[name] for name in sorted(sources.keys() ^ targets.keys())]
    problems = [
        f"{path}: no partner of that name in the other folder: add it, or set data.pairing=unpaired" for path in alone
    ]
    both = [(source, targets[name]) for name, source in sources.items() if name in targets]
    return PictureFiles(both, _source_and_image, problems)


def open_side_by_side(data: ConfigDict, split: str) -> PictureFiles:
    """pix2pix's layout: {root}/{split}/*, A in the left half of each file and B in the right."""
    folder = os.path.join(require_root(data, split), split)
    read = _left_is_source if sides(data)[0] == "A" else _right_is_source
    return PictureFiles([(path,) for path in _paths(folder, split_key(data, split))], read)


def _paths(folder: str, key: str) -> list[str]:
    return [os.path.join(folder, relative) for relative in list_images(folder, key)]


def _plain(files: tuple[str, ...]) -> dict:
    return {"image": read_image(files[0], upright=True)}


def _source_and_image(files: tuple[str, ...]) -> dict:
    source, image = (read_image(file, upright=True) for file in files)
    _check_equal(files, [source.shape[:2], image.shape[:2]])
    return {"source": source, "image": image}


def _left_is_source(files: tuple[str, ...]) -> dict:
    both = read_image(files[0], upright=True)
    _check_halves(files[0], both.shape[1])
    half = both.shape[1] // 2
    return {"source": both[:, :half], "image": both[:, half : 2 * half]}


def _right_is_source(files: tuple[str, ...]) -> dict:
    halves = _left_is_source(files)
    return {"source": halves["image"], "image": halves["source"]}


def _check_equal(files: tuple[str, ...], sizes: list[tuple[int, int]]) -> None:
    if len(set(sizes)) > 1:
        (height, width), (other_height, other_width) = sizes
        raise UserError(
            f"{files[0]}: {width}x{height}, its partner {files[1]} has {other_width}x{other_height}: make them equal"
        )


def _check_halves(file: str, width: int) -> None:
    if width < 2:
        raise UserError(f"{file}: {width} pixel wide, which has no two halves: store A and B side by side in it")

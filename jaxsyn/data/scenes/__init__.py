"""`scenes`, the embedded data set: procedural street and landscape scenes, made from a seed and an index.

No files, no network. A scene is composed (`street`, `countryside`) into a `Layout` of placed objects, painted into
pixel maps by `raster`, and coloured by `appearance` under the light of a domain. Everything a record holds follows
from its layout, so labels, instances and pictures always agree.
"""

import operator
from dataclasses import dataclass

import numpy as np

from jaxsyn.data.scenes.appearance import render
from jaxsyn.data.scenes.classes import CLASS_NAMES, DOMAINS, PALETTE, THINGS, merge_table
from jaxsyn.data.scenes.countryside import countryside
from jaxsyn.data.scenes.draw import Draw
from jaxsyn.data.scenes.layout import Layout, Placed
from jaxsyn.data.scenes.raster import rasterise
from jaxsyn.data.scenes.street import street
from jaxsyn.errors import UserError

__all__ = ["CLASS_NAMES", "DOMAINS", "PALETTE", "THINGS", "Layout", "Placed", "Scenes"]

_LENGTHS = {"train": 10_000, "val": 500}
_LAYOUT, _APPEARANCE, _DOMAIN = range(3)


@dataclass(frozen=True)
class Scenes:
    """A random-access source of scenes, for a grain pipeline or by itself.

    `Scenes(64, 64)[7]` is the same record in every process. It depends on nothing but the arguments and the index;
    another domain shows the same layout in another light, another size shows it at another resolution (a wider
    picture sees more to the sides), and train and val share no layout.

    Args:
        height, width: size in pixels, each in 16..4096. Thin things (poles, people) need 64 or so to show well.
        num_classes: 2..12; below 12, classes merge as `classes.merge_table` says, and the instance map keeps the
            things of all twelve.
        split: "train" or "val".
        seed: which data set; 0 or more.
        length: number of scenes; None for 10000 (train) or 500 (val). Scene i is the same for every length.
        domain: "day", "dusk", "night", "winter", or "all" to draw one of them for each index.
        source_domain: one of the four; every record then holds the same scene in it as `source`. "": it does not.

    Raises:
        UserError: an argument is out of its range.
    """

    height: int
    width: int
    num_classes: int = 12
    split: str = "train"
    seed: int = 0
    length: int | None = None
    domain: str = "day"
    source_domain: str = ""

    def __post_init__(self):
        merge_table(self.num_classes)
        for name in ("height", "width"):
            if not 16 <= getattr(self, name) <= 4096:
                raise UserError(
                    f"data.{name}={getattr(self, name)}: scenes has sizes of 16 to 4096; set it in that range"
                )
        if self.split not in _LENGTHS:
            raise UserError(f"split={self.split!r}: scenes has the splits train and val; choose one of them")
        if self.domain not in (*DOMAINS, "all"):
            raise UserError(f"domain={self.domain!r}: scenes has {', '.join(DOMAINS)} and all; choose one of them")
        if self.source_domain not in (*DOMAINS, ""):
            raise UserError(
                f"source_domain={self.source_domain!r}: scenes has {', '.join(DOMAINS)}; choose one of them"
            )
        if self.seed < 0:
            raise UserError(f"seed={self.seed}: scenes needs a seed of 0 or more")
        if self.length is not None and self.length < 1:
            raise UserError(f"length={self.length}: scenes needs a length of 1 or more, or None")

    def __len__(self) -> int:
        return _LENGTHS[self.split] if self.length is None else self.length

    def __getitem__(self, index: int) -> dict[str, np.ndarray | int | str]:
        """Returns one record.

        `image` uint8 [H, W, 3], `source` likewise with a source domain; `label` uint8 [H, W], ids 0..num_classes-1;
        `instance` int32 [H, W], 0 for stuff and 1.. for the things seen, one label each; `domain` int, index into
        DOMAINS; `name` str.

        Raises:
            IndexError: the index is not in -len..len-1.
        """
        index = self._checked(index)
        domain = self.domain
        if domain == "all":
            domain = DOMAINS[int(self._rng(index, _DOMAIN).integers(len(DOMAINS)))]
        raster = rasterise(self.layout(index), self.height, self.width)
        label = raster.label()
        source = self.source_domain
        return {
            **({"source": render(raster, label, source, self._rng(index, _APPEARANCE))} if source else {}),
            "image": render(raster, label, domain, self._rng(index, _APPEARANCE)),
            "label": merge_table(self.num_classes)[label],
            "instance": raster.instance(),
            "domain": DOMAINS.index(domain),
            "name": f"scenes_{self.split}_{index:06d}_{domain}",
        }

    def layout(self, index: int) -> Layout:
        """The objects of a scene and its camera; the same for every size, class count and domain."""
        rng = self._rng(self._checked(index), _LAYOUT)
        compose = street if rng.random() < 0.5 else countryside
        return compose(Draw(rng))

    def _checked(self, index: int) -> int:
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(f"scene {index} of {len(self)}")
        return index % len(self)

    def _rng(self, index: int, stream: int) -> np.random.Generator:
        entropy = (self.seed, list(_LENGTHS).index(self.split), index, stream)
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))

"""COCO-Stuff 164k: as released, or in SPADE's folders.

Label maps hold 0 .. 181 and 255 = unknown, in both.
"""

import os

from ml_collections import ConfigDict

from jaxsyn.data.folders import pair_spade_folders, require_root, split_key
from jaxsyn.data.pairs import Folder, Pairing, pair_folders
from jaxsyn.errors import UserError


def pair_coco_stuff(data: ConfigDict, split: str) -> Pairing:
    """SPADE's {split}_label, {split}_img, {split}_inst where {split}_label exists, else the released layout.

    Released: images in {root}/{split}2017 or {root}/images/{split}2017, label maps (stuffthingmaps_trainval2017.zip)
    in {root}/stuffthingmaps/{split}2017 or {root}/annotations/{split}2017. Instance maps exist in SPADE's layout only.
    """
    root = require_root(data, f"{split}_label and {split}_img, or {split}2017 and stuffthingmaps/{split}2017")
    images = _first_folder(root, (f"{split}2017", f"images/{split}2017"))
    labels = _first_folder(root, (f"stuffthingmaps/{split}2017", f"annotations/{split}2017"))
    if os.path.isdir(os.path.join(root, f"{split}_label")) or not (os.path.isdir(images) or os.path.isdir(labels)):
        return pair_spade_folders(data, split)
    if data.use_instance:
        raise UserError(
            f"data.use_instance=True: the released layout in {root} has no instance maps, "
            "make SPADE's folders or set data.use_instance=False"
        )
    key = split_key(data, split)
    return pair_folders(Folder(labels, key, (".png",)), Folder(images, key, (".jpg", ".jpeg")), None)


def _first_folder(root: str, candidates: tuple[str, ...]) -> str:
    paths = [os.path.join(root, *candidate.split("/")) for candidate in candidates]
    return next((path for path in paths if os.path.isdir(path)), paths[0])

"""ADE20K scene parsing as released (ADEChallengeData2016), the outdoor subset included.

Annotations hold 0 = unknown and 1 .. 150 = classes. The authors' loader computes id - 1 and throws it away, so the
released models run on the raw ids: data.label_order=raw, the default. data.label_order=shifted is the order they meant.
"""

import os

from ml_collections import ConfigDict

from jaxsyn.data.folders import require_root, split_key
from jaxsyn.data.pairs import Folder, Pairing, pair_folders
from jaxsyn.errors import UserError

_FOLDERS = {"train": "training", "val": "validation"}


def pair_ade20k(data: ConfigDict, split: str) -> Pairing:
    """{root}/annotations/{training,validation}/*.png with {root}/images/{training,validation}/*.jpg."""
    if data.use_instance:
        raise UserError("data.use_instance=True: ADE20K is read without instance maps, set data.use_instance=False")
    root = require_root(data, "images and annotations")
    key = split_key(data, split)
    folder = _FOLDERS.get(split, split)
    return pair_folders(
        Folder(os.path.join(root, "annotations", folder), key, (".png",)),
        Folder(os.path.join(root, "images", folder), key, (".jpg", ".jpeg")),
        None,
    )

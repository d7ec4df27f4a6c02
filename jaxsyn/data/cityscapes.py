"""Cityscapes as released: leftImg8bit and gtFine, one folder a city.

Classes are the raw ids 0 .. 33 of `labelIds`, with 35 channels, as in SPADE and pix2pixHD; train ids are for evaluation
only.
"""

import os

import numpy as np
from ml_collections import ConfigDict

from jaxsyn.data.folders import require_root, split_key
from jaxsyn.data.pairs import Folder, Pairing, pair_folders

CLASS_NAMES = (
    "unlabeled",
    "ego vehicle",
    "rectification border",
    "out of roi",
    "static",
    "dynamic",
    "ground",
    "road",
    "sidewalk",
    "parking",
    "rail track",
    "building",
    "wall",
    "fence",
    "guard rail",
    "bridge",
    "tunnel",
    "pole",
    "polegroup",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "caravan",
    "trailer",
    "train",
    "motorcycle",
    "bicycle",
    "license plate",
)

PALETTE = np.array(
    [
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (111, 74, 0),
        (81, 0, 81),
        (128, 64, 128),
        (244, 35, 232),
        (250, 170, 160),
        (230, 150, 140),
        (70, 70, 70),
        (102, 102, 156),
        (190, 153, 153),
        (180, 165, 180),
        (150, 100, 100),
        (150, 120, 90),
        (153, 153, 153),
        (153, 153, 153),
        (250, 170, 30),
        (220, 220, 0),
        (107, 142, 35),
        (152, 251, 152),
        (70, 130, 180),
        (220, 20, 60),
        (255, 0, 0),
        (0, 0, 142),
        (0, 0, 70),
        (0, 60, 100),
        (0, 0, 90),
        (0, 0, 110),
        (0, 80, 100),
        (0, 0, 230),
        (119, 11, 32),
        (0, 0, 142),
    ],
    np.uint8,
)


def frame_key(relative: str) -> str:
    """`CITY_SEQUENCE_FRAME` of a file's name, which its image, label map and instance map share."""
    return "_".join(os.path.basename(relative).split("_")[:3])


def pair_cityscapes(data: ConfigDict, split: str) -> Pairing:
    """{root}/gtFine/{split}/CITY/*_labelIds.png with {root}/leftImg8bit/{split}/CITY/*_leftImg8bit.png.

    Instance maps are the 16-bit `*_instanceIds.png`: id * 1000 + k for an instance, the plain id otherwise.
    """
    root = require_root(data, "leftImg8bit and gtFine")
    key = split_key(data, split)
    annotations = os.path.join(root, "gtFine", split)
    instances = Folder(annotations, key, ("_instanceids.png",)) if data.use_instance else None
    return pair_folders(
        Folder(annotations, key, ("_labelids.png",)),
        Folder(os.path.join(root, "leftImg8bit", split), key, ("_leftimg8bit.png",)),
        instances,
        frame_key,
    )

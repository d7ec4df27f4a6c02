"""The classes, their colours, how they merge, and the domains of `scenes`."""

import numpy as np

from jaxsyn.errors import UserError

CLASS_NAMES = (
    "sky",
    "grass",
    "building",
    "road",
    "tree",
    "car",
    "hill",
    "water",
    "person",
    "sidewalk",
    "pole",
    "fence",
)
SKY, GRASS, BUILDING, ROAD, TREE, CAR, HILL, WATER, PERSON, SIDEWALK, POLE, FENCE = range(len(CLASS_NAMES))

THINGS = (BUILDING, TREE, CAR, PERSON, POLE, FENCE)
"""Classes whose objects are numbered in the instance map."""

PALETTE = np.array(
    [
        (110, 190, 255),
        (130, 215, 60),
        (150, 75, 60),
        (105, 65, 130),
        (20, 110, 45),
        (225, 30, 40),
        (150, 140, 170),
        (20, 60, 210),
        (255, 150, 200),
        (245, 225, 160),
        (255, 210, 0),
        (255, 120, 20),
    ],
    np.uint8,
)
"""uint8 [12, 3]: one RGB colour a class, for label maps."""

DOMAINS = ("day", "dusk", "night", "winter")

# The class that takes in class k when there are k classes or fewer. Every parent has a smaller id, so that
# the ids 0..n-1 keep their meaning and only grow as n falls.
_PARENT = (SKY, GRASS, GRASS, GRASS, GRASS, ROAD, GRASS, GRASS, CAR, ROAD, BUILDING, BUILDING)


def merge_table(num_classes: int) -> np.ndarray:
    """Returns uint8 [12]: the id of each of the twelve classes when only `num_classes` are kept.

    Classes leave from the last: fence and pole join building, sidewalk joins road, person joins car, water and
    hill join grass, car joins road, tree, road and building join grass. With two classes, 1 is all but the sky.

    Raises:
        UserError: `num_classes` is not in 2..12.
    """
    if not 2 <= num_classes <= len(CLASS_NAMES):
        raise UserError(
            f"data.num_classes={num_classes}: scenes has 2 to {len(CLASS_NAMES)} classes; set it in that range"
        )
    table = np.arange(len(CLASS_NAMES), dtype=np.uint8)
    for label in range(num_classes, len(CLASS_NAMES)):
        parent = _PARENT[label]
        while parent >= num_classes:
            parent = _PARENT[parent]
        table[label] = parent
    return table

"""Draws numbers and objects for a scene from one random generator."""

import numpy as np

from jaxsyn.data.scenes import classes
from jaxsyn.data.scenes.layout import Placed


class Draw:
    """A random generator with the few distributions that composing needs, and the things common to all scenes."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(self.rng.random())

    def chance(self, probability: float) -> bool:
        return float(self.rng.random()) < probability

    def count(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def sign(self) -> int:
        return 1 if self.chance(0.5) else -1

    def across(self, count: int) -> list[float]:
        """Picture positions u: `count` in a square picture, as many again in each of the sides of a wide one."""
        middle = [self.between(-0.5, 0.5) for _ in range(count)]
        return middle + [side * self.between(0.5, 1.4) for side in (-1, 1) for _ in range(count)]

    def place(
        self,
        label: int,
        shape: str,
        x: float,
        depth: float,
        width: float = 0.0,
        height: float = 0.0,
        length: float = 0.0,
    ) -> Placed:
        return Placed(label, shape, x, depth, width, height, length, tuple(self.rng.random(8).tolist()))

    def hill(self, low: float, high: float) -> Placed:
        """A ridge on the horizon; its height is in picture heights."""
        return self.place(classes.HILL, "ridge", 0.0, self.between(12.0, 26.0), height=self.between(low, high))

    def tree(self, x: float, depth: float) -> Placed:
        height = self.between(1.2, 2.2)
        if self.chance(0.3):
            return self.place(classes.TREE, "conifer", x, depth, height * self.between(0.45, 0.6), height)
        return self.place(classes.TREE, "broadleaf", x, depth, height * self.between(0.6, 0.85), height)

    def car(self, x: float, depth: float, sideways: bool) -> Placed:
        if sideways:
            return self.place(classes.CAR, "car_side", x, depth, self.between(1.15, 1.4), self.between(0.46, 0.54))
        return self.place(classes.CAR, "car_end", x, depth, self.between(0.6, 0.7), self.between(0.48, 0.58))

    def person(self, x: float, depth: float) -> Placed:
        height = self.between(0.52, 0.66)
        return self.place(classes.PERSON, "person", x, depth, height * self.between(0.38, 0.46), height)

    def rail(self, x: float) -> Placed:
        """A fence that runs away from the camera."""
        return self.place(classes.FENCE, "rail", x, 0.7, height=self.between(0.38, 0.5), length=self.between(5.0, 8.0))


def from_back(things: list[Placed]) -> list[Placed]:
    """The things sorted so that nearer ones come later."""
    return sorted(things, key=lambda thing: -thing.depth)

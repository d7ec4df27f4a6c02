"""Composes a street: a straight road with sidewalks, lined by houses, a park or a canal."""

from jaxsyn.data.scenes import classes
from jaxsyn.data.scenes.draw import Draw, from_back
from jaxsyn.data.scenes.layout import Layout, Placed

_BORDERS = ("houses", "houses", "houses", "park", "canal")


def street(draw: Draw) -> Layout:
    """Draws a street: houses, a park or a canal on each side."""
    horizon, vanish = draw.between(0.38, 0.5), draw.between(-0.22, 0.22)
    middle, road, walk = draw.between(-0.5, 0.5), draw.between(0.6, 0.95), draw.between(0.4, 0.7)
    kerb = road + walk
    far = [draw.place(classes.SKY, "sky", 0.0, 100.0)]
    if draw.chance(0.6):
        far.append(draw.hill(0.1, 0.26))
    far.append(draw.place(classes.GRASS, "ground", 0.0, 1.0))
    houses, park, rails, near = [], [], [], []
    for side in (-1, 1):
        border = _BORDERS[draw.count(0, len(_BORDERS) - 1)]
        if border == "canal":
            reach = draw.between(1.6, 3.5)
            far.append(draw.place(classes.WATER, "strip", middle + side * (kerb + reach / 2), 1.0, width=reach))
            park += [draw.tree(middle + side * (kerb + reach + 0.5), draw.between(4.0, 10.0)) for _ in range(2)]
        elif border == "park":
            for _ in range(draw.count(2, 4)):
                park.append(draw.tree(middle + side * (kerb + draw.between(0.5, 2.5)), draw.between(3.0, 9.0)))
        else:
            houses += _row_of_houses(draw, middle, side, kerb)
        if border != "houses" and draw.chance(0.85):
            rails.append(draw.rail(middle + side * (kerb + 0.06)))
        for _ in range(draw.count(0, 2)):
            near.append(draw.tree(middle + side * (road + 0.7 * walk), draw.between(2.5, 8.0)))
        if draw.chance(0.6):
            start = draw.between(1.7, 3.2)
            near += [_lamp(draw, middle + side * (road + 0.15), depth, -side) for depth in (start, start + 2.2)]
        for _ in range(draw.count(0, 2)):
            near.append(draw.person(middle + side * (road + draw.between(0.1, 0.9) * walk), draw.between(2.0, 4.2)))
        depth = draw.between(1.9, 3.6)
        for _ in range(draw.count(0, 2)):
            near.append(draw.car(middle + side * road * draw.between(0.42, 0.55), depth, draw.chance(0.2)))
            depth += draw.between(1.3, 2.6)
    if draw.chance(0.35):
        near.append(draw.person(middle + road * draw.between(-0.8, 0.8), draw.between(2.2, 4.2)))
    far.append(draw.place(classes.SIDEWALK, "strip", middle, 1.0, width=2 * kerb))
    far.append(draw.place(classes.ROAD, "strip", middle, 1.0, width=2 * road))
    return Layout("street", horizon, vanish, (*far, *from_back(houses), *from_back(park), *rails, *from_back(near)))


def _row_of_houses(draw: Draw, middle: float, side: int, kerb: float) -> list[Placed]:
    """Adjoining houses along one side of a street, with a gap here and there."""
    wall = kerb + (draw.between(0.2, 0.6) if draw.chance(0.35) else 0.0)
    houses, depth = [], draw.between(0.7, 1.4)
    while depth < 11.0:
        length = draw.between(0.9, 1.9) * (0.8 + 0.2 * depth)
        houses.append(
            draw.place(
                classes.BUILDING,
                "block",
                middle + side * wall,
                depth,
                side * draw.between(1.2, 2.0),
                draw.between(1.5, 3.8),
                length,
            )
        )
        depth += length
        if draw.chance(0.25):
            depth += draw.between(0.4, 1.4)
    return houses


def _lamp(draw: Draw, x: float, depth: float, arm: int) -> Placed:
    return draw.place(classes.POLE, "lamp", x, depth, arm * draw.between(0.3, 0.45), draw.between(1.5, 1.9))

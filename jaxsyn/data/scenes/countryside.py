"""Composes a countryside: hills, a lake, a winding road, trees, farmhouses, fences."""

import math

from jaxsyn.data.scenes import classes
from jaxsyn.data.scenes.draw import Draw, from_back
from jaxsyn.data.scenes.layout import Layout, Placed, strip_middle


def countryside(draw: Draw) -> Layout:
    """Draws a countryside."""
    horizon, vanish = draw.between(0.34, 0.48), draw.between(-0.2, 0.2)
    far = [draw.place(classes.SKY, "sky", 0.0, 100.0), draw.hill(0.14, 0.3)]
    if draw.chance(0.5):
        far.append(draw.hill(0.06, 0.14))
    far.append(draw.place(classes.GRASS, "ground", 0.0, 1.0))
    lake = None
    if draw.chance(0.75):
        foot = 1 / draw.between(0.1, 0.22)
        across, reach, wide = draw.between(-0.5, 0.5) - vanish, draw.between(0.09, 0.2), draw.between(0.5, 1.1)
        lake = draw.place(classes.WATER, "lake", foot * across, foot, width=foot * wide, length=reach)
        far.append(lake)
    winding = draw.between(0.2, 0.6) if draw.chance(0.6) else 0.0
    road = draw.place(classes.ROAD, "strip", draw.between(-0.8, 0.8), 1.0, width=draw.between(0.7, 1.1), length=winding)
    if draw.chance(0.85):
        far.append(road)
    free = [thing for thing in _scattered(draw, vanish) if _on_land(thing, road, lake)]
    if draw.chance(0.65):
        side, start = draw.sign(), draw.between(2.0, 3.0)
        for depth in (start, start * 1.6, start * 2.6):
            x = strip_middle(road, depth) + side * (road.width / 2 + 0.3)
            free.append(draw.place(classes.POLE, "mast", x, depth, 0.3, draw.between(1.7, 2.1)))
    if draw.chance(0.65):
        depth = draw.between(2.2, 4.2)
        free.append(draw.car(strip_middle(road, depth), depth, draw.chance(0.5)))
    for _ in range(draw.count(0, 2)):
        depth = draw.between(2.1, 4.0)
        free.append(draw.person(depth * (draw.between(-0.45, 0.45) - vanish), depth))
    if draw.chance(0.8):
        return Layout("countryside", horizon, vanish, (*far, *_with_fence(draw, free, road)))
    return Layout("countryside", horizon, vanish, (*far, *from_back(free)))


def _scattered(draw: Draw, vanish: float) -> list[Placed]:
    """Trees and farmhouses anywhere on the ground."""
    things = []
    for u in draw.across(draw.count(2, 5)):
        depth = draw.between(2.4, 9.0)
        things.append(draw.tree((u - vanish) * depth, depth))
    for u in draw.across(draw.count(0, 2)):
        depth = draw.between(3.2, 6.0)
        width, height = draw.between(1.1, 1.8), draw.between(0.9, 1.4)
        things.append(draw.place(classes.BUILDING, "house", (u - vanish) * depth, depth, width, height))
    return things


def _with_fence(draw: Draw, things: list[Placed], road: Placed) -> list[Placed]:
    """The things from back to front with a fence among them: along a straight road, or facing the camera."""
    side = draw.sign()
    if road.length == 0.0 and draw.chance(0.6):
        rail = draw.rail(road.x + side * (road.width / 2 + 0.4))
        beyond = [thing for thing in things if side * (thing.x - rail.x) > 0]
        before = [thing for thing in things if side * (thing.x - rail.x) <= 0]
        return [*from_back(beyond), rail, *from_back(before)]
    depth, reach = draw.between(2.2, 4.2), draw.between(0.5, 1.2)
    x = strip_middle(road, depth) + side * (road.width / 2 + 0.2 + reach * depth / 2)
    barrier = draw.place(classes.FENCE, "barrier", x, depth, reach * depth, draw.between(0.42, 0.55))
    return from_back([*things, barrier])


def _on_land(thing: Placed, road: Placed, lake: Placed | None) -> bool:
    if abs(thing.x - strip_middle(road, thing.depth)) < (road.width + thing.width) / 2:
        return False
    if lake is None:
        return True
    across = 2 * (thing.x / thing.depth - lake.x / lake.depth) / (lake.width / lake.depth)
    along = 2 * (1 / thing.depth - 1 / lake.depth) / lake.length
    return math.hypot(across, along) > 1.1

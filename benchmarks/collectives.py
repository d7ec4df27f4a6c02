"""What devices exchange in a compiled program, read from its text."""

import math
import re

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
# A started exchange names its result beside its input; the `-done` that ends it counts it once.
_INSTRUCTION = re.compile(rf"= (\(.*?\)|\S+) ({'|'.join(KINDS)})(-start|-done)?\(")
_ARRAY = re.compile(r"([a-z]+)(\d+)?\w*\[([\d,]*)\]")


def collectives(program: str) -> dict[str, dict[str, int]]:
    """Kind -> how many there are, `count`, and the size of their results on a device, `bytes`.

    Args:
        program: the text of a compiled module; a loop's body counts once.
    """
    found: dict[str, dict[str, int]] = {}
    for shape, kind, part in _INSTRUCTION.findall(program):
        if part == "-start":
            continue
        entry = found.setdefault(kind, {"count": 0, "bytes": 0})
        entry["count"] += 1
        entry["bytes"] += sum(_size(*array) for array in _ARRAY.findall(shape))
    return found


def _size(kind: str, bits: str, dimensions: str) -> int:
    count = math.prod(int(size) for size in dimensions.split(",") if size)
    return count * max(int(bits or 8) if kind != "pred" else 8, 8) // 8

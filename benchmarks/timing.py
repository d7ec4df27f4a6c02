"""Times of several programs on one machine, taken so that their ratios can be trusted."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

Program = Callable[[], Any]


def interleaved_times(programs: Mapping[str, Program], repeats: int, *, warm_up: int = 1) -> dict[str, list[float]]:
    """Seconds that each program takes, once in each of `repeats` rounds.

    Every program runs in every round, and every second round goes backwards: what else the machine does, and whatever
    drifts, meets all of them alike.

    Args:
        programs: name -> a call whose arrays are waited for.
        warm_up: rounds before, which do not count.
    """
    seconds = {name: [] for name in programs}
    for i in range(-warm_up, repeats):
        for name in programs if i % 2 == 0 else reversed(programs):
            start = time.perf_counter()
            jax.block_until_ready(programs[name]())
            if i >= 0:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def pair_ratios(seconds: Sequence[float], reference: Sequence[float]) -> list[float]:
    """How many times as long as the reference it took, round by round."""
    return [ours / theirs for ours, theirs in zip(seconds, reference, strict=True)]


def spread(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest and largest."""
    return statistics.median(ratios), min(ratios), max(ratios)

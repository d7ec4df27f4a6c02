"""Training curves from a run's metrics.jsonl, as small SVG plots."""

import io
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from jaxsyn.training.meters import MEASURED

# More points than this do not show at the plots' width; neighbours are averaged.
MOST_POINTS = 200
# Readable on white and on black.
INK, LINE = "#808080", "#3b82c4"

Series = tuple[np.ndarray, np.ndarray]


def read_curves(path: Path) -> dict[str, dict[str, Series]]:
    """Phase -> term -> (steps [N], values [N]), float64, in the order of the file; {} where there is no file.

    What a run cost (`jaxsyn.training.meters`) is left out.
    """
    points: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        record = json.loads(line)
        step = record.pop("step")
        for name, value in record.items():
            phase, _, term = name.rpartition("/")
            if not name.startswith(MEASURED):
                points[phase][term].append((step, value))
    return {
        phase: {term: tuple(np.array(series, np.float64).T) for term, series in terms.items()}
        for phase, terms in points.items()
    }


def plot(series: Series) -> str:
    """SVG document of one curve, values over steps, on a transparent ground."""
    steps, values = (_thinned(x) for x in series)
    with rc_context({"font.size": 8, "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(3.2, 1.8), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(steps, values, color=LINE, linewidth=1.2, marker="o" if len(steps) < 3 else "", markersize=3)
        axes.tick_params(colors=INK, length=2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
        axes.locator_params(nbins=5)
        svg = io.StringIO()
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    return svg.getvalue()


def _thinned(values: np.ndarray) -> np.ndarray:
    if len(values) <= MOST_POINTS:
        return values
    return np.array([part.mean() for part in np.array_split(values, MOST_POINTS)])

"""`LabelConv` against XLA's convolution of the one-hot map: python -m benchmarks.label_conv [--classes 182].

Forward pass and kernel gradient of a 3x3 convolution over a label map, in turns. The one-hot map is made inside the
other program too, as networks on label maps do.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax import lax

from benchmarks import command
from benchmarks.timing import interleaved_times, pair_ratios, spread
from jaxsyn.layers import LabelMap, label_convolve
from jaxsyn.layers.correlation import DIMENSIONS


def by_labels(ids: jax.Array, kernel: jax.Array) -> jax.Array:
    """[B, H, W] -> [B, H, W, features], from the ids."""
    return label_convolve(LabelMap(ids, None, kernel.shape[2]), kernel, padding=1)


def by_one_hot(ids: jax.Array, kernel: jax.Array) -> jax.Array:
    """The same by the compiler's own convolution, which also differentiates it."""
    dense = jax.nn.one_hot(ids, kernel.shape[2], dtype=kernel.dtype)
    return lax.conv_general_dilated(dense, kernel, (1, 1), ((1, 1), (1, 1)), dimension_numbers=DIMENSIONS)


def compare(classes: int, size: int, features: int, cell: int, repeats: int) -> dict[str, Any]:
    """The figures that `--json` writes: how many times as fast as the one-hot form, pair by pair."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, classes, (1, -(-size // cell), -(-size // cell)), np.int32)
    ids = jnp.asarray(coarse.repeat(cell, 1).repeat(cell, 2)[:, :size, :size])
    kernel, weighing = (
        jnp.asarray(rng.normal(size=shape), jnp.float32)
        for shape in ((3, 3, classes, features), (1, size, size, features))
    )
    programs = {}
    for name, form in {"labels": by_labels, "one_hot": by_one_hot}.items():
        jitted = jax.jit(partial(_forward_and_gradient, form))
        programs[name] = partial(jitted.lower(ids, kernel, weighing).compile(), ids, kernel, weighing)
    ours, theirs = (jax.tree.map(np.asarray, programs[name]()) for name in programs)
    difference = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(ours, theirs, strict=True))
    seconds = interleaved_times(programs, repeats, warm_up=2)
    speedups = pair_ratios(seconds["one_hot"], seconds["labels"])
    return {"classes": classes, "size": size, "features": features, "difference": difference, "speedups": speedups}


def _forward_and_gradient(form: Any, ids: jax.Array, kernel: jax.Array, weighing: jax.Array) -> tuple[jax.Array, ...]:
    y, pull = jax.vjp(partial(form, ids), kernel)
    return y, *pull(weighing)


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    middle, least, most = spread(figures["speedups"])
    shape = "{classes} classes, {size}x{size}, {features} features".format(**figures)
    return "\n".join(
        (
            f"LabelConv, forward and kernel gradient, {shape}, {len(figures['speedups'])} pairs:",
            f"{middle:.1f} ({least:.1f}, {most:.1f}) times as fast as the one-hot convolution",
            f"results differ by {figures['difference']:.1e} of the largest",
        )
    )


if __name__ == "__main__":
    flags.DEFINE_integer("classes", 182, "Classes of the label map.", lower_bound=1)
    flags.DEFINE_integer("size", 128, "Height and width of the label map.", lower_bound=1)
    flags.DEFINE_integer("features", 128, "Channels of the result.", lower_bound=1)
    flags.DEFINE_integer("cell", 8, "Side of the map's squares of one class.", lower_bound=1)
    command.run(lambda f: compare(f.classes, f.size, f.features, f.cell, f.repeats), table, repeats=7)

"""The convolution of `jaxsyn.layers` against XLA's own, forward and both gradients: python -m benchmarks.convolution.

In turns, over shapes of small networks and of a generator's ends. On a GPU, a TPU or a mesh both are the same program.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks import command
from benchmarks.timing import interleaved_times, pair_ratios, spread
from jaxsyn.layers.correlation import DIMENSIONS, Geometry, correlate


class Shape(NamedTuple):
    """A square kernel over square images, padded to keep their size at stride 1."""

    size: int
    batch: int
    inputs: int
    features: int
    kernel: int
    stride: int = 1

    def __str__(self) -> str:
        strided = f", stride {self.stride}" if self.stride > 1 else ""
        image = f"{self.batch} of {self.size}x{self.size}"
        return f"{self.kernel}x{self.kernel}, {self.inputs} to {self.features}{strided}, {image}"


SHAPES = (
    Shape(64, 2, 16, 3, 7),
    Shape(64, 2, 7, 16, 7),
    Shape(64, 2, 16, 16, 3),
    Shape(64, 4, 32, 32, 3),
    Shape(16, 2, 64, 64, 3),
    Shape(64, 4, 64, 128, 3, 2),
    Shape(8, 1, 64, 128, 4, 2),
    Shape(4, 1, 256, 512, 4),
    Shape(128, 1, 64, 64, 3),
    Shape(256, 1, 32, 3, 7),
)


def by_xla(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The compiler's own convolution, which also differentiates it."""
    strides, padding = (geometry.stride,) * 2, ((geometry.low, geometry.high),) * 2
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=DIMENSIONS)


def compare(shape: Shape, repeats: int) -> dict[str, Any]:
    """The figures of one shape: how many times as fast as XLA's own, pair by pair."""
    rng, border = np.random.default_rng(0), (shape.kernel - 1) // 2
    geometry = Geometry(shape.stride, border, border)
    kernel_shape = (shape.kernel, shape.kernel, shape.inputs, shape.features)
    images = (shape.batch, shape.size, shape.size, shape.inputs)
    x, kernel = (jnp.asarray(rng.normal(size=s), jnp.float32) for s in (images, kernel_shape))
    weighing = jnp.asarray(rng.normal(size=by_xla(x, kernel, geometry).shape), jnp.float32)
    programs = {}
    for name, form in {"ours": correlate, "xla": by_xla}.items():
        jitted = jax.jit(partial(_forward_and_gradients, form, geometry))
        programs[name] = partial(jitted.lower(x, kernel, weighing).compile(), x, kernel, weighing)
    ours, theirs = (jax.tree.map(np.asarray, programs[name]()) for name in programs)
    difference = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(ours, theirs, strict=True))
    seconds = interleaved_times(programs, repeats, warm_up=2)
    return {"shape": str(shape), "difference": difference, "speedups": pair_ratios(seconds["xla"], seconds["ours"])}


def _forward_and_gradients(
    form: Any, geometry: Geometry, x: jax.Array, kernel: jax.Array, weighing: jax.Array
) -> tuple[jax.Array, ...]:
    y, pull = jax.vjp(lambda x, kernel: form(x, kernel, geometry), x, kernel)
    return y, *pull(weighing)


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    lines = ["times as fast as XLA's own convolution, forward and both gradients:"]
    for row in figures["rows"]:
        middle, least, most = spread(row["speedups"])
        lines.append(
            f"{row['shape']}: {middle:.1f} ({least:.1f}, {most:.1f}), results differ by {row['difference']:.1e}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(lambda given: {"rows": [compare(shape, given.repeats) for shape in SHAPES]}, table, repeats=11)

"""A function of arrays as a StableHLO artefact, which runs wherever JAX does, without this library."""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import export

from jaxsyn.atomic import whole_file
from jaxsyn.errors import UserError

PLATFORMS = ("cpu", "cuda", "tpu")
Shapes = Mapping[str, jax.ShapeDtypeStruct]


def export_function(
    function: Callable[[dict[str, jax.Array], jax.Array], jax.Array],
    inputs: Shapes,
    platforms: Sequence[str] = PLATFORMS,
) -> export.Exported:
    """Exports (inputs, seed) -> images, with those of its inputs alone that the images depend on.

    Args:
        function: traced with arrays by name and an int32 scalar.
        inputs: their shapes; a symbolic first axis stands for any batch size.
        platforms: where the artefact will run.

    Returns:
        `exported.call(inputs, seed)`, inputs a dict.
    """
    seed = jax.ShapeDtypeStruct((), jnp.int32)
    read = _read_inputs(function, inputs, seed)

    def of_read(arrays: dict[str, jax.Array], seed: jax.Array) -> jax.Array:
        # Of the others the function may still want the shape.
        blank = {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in inputs.items() if name not in read}
        return function({**blank, **arrays}, seed)

    return export.export(jax.jit(of_read), platforms=platforms)({name: inputs[name] for name in read}, seed)


def _read_inputs(function: Callable[..., jax.Array], inputs: Shapes, seed: jax.ShapeDtypeStruct) -> tuple[str, ...]:
    """The inputs that the function's result depends on."""
    # With a symbolic size everything is kept, for its shape.
    sized = {
        name: jax.ShapeDtypeStruct((1, *shape.shape[1:]) if shape.shape else (), shape.dtype)
        for name, shape in inputs.items()
    }
    exported = export.export(jax.jit(function), platforms=("cpu",))(sized, seed)
    names = sorted(inputs)  # the order of a dict's leaves
    return tuple(name for index, name in enumerate(names) if index in exported.module_kept_var_idx)


def parse_controls(texts: Sequence[str], batch_size: Any) -> tuple[dict[str, jax.ShapeDtypeStruct], dict[str, Any]]:
    """Controls from a command line, NAME=VALUE each: those that become inputs, and those that are fixed.

    `style=float32[batch,256]` is an input of that shape, `batch` being `batch_size`; `share=0.5` and `way=cycle` are
    fixed, as Python's literal or else as text.

    Raises:
        UserError: a text without "=", or a shape that is none.
    """
    shapes, fixed = {}, {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--control={text}: give NAME=VALUE")
        shape = re.fullmatch(r"([a-z]+\d*)\[([\w,]*)\]", value)
        if shape is None:
            fixed[name] = _literal(value)
            continue
        try:
            axes = tuple(batch_size if axis == "batch" else int(axis) for axis in shape[2].split(",") if axis)
            shapes[name] = jax.ShapeDtypeStruct(axes, jnp.dtype(shape[1]))
        except (TypeError, ValueError) as error:
            raise UserError(f"--control={text}: not a shape; write it as float32[batch,256]") from error
    return shapes, fixed


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def write_artefact(path: Path, exported: export.Exported) -> None:
    """Writes the artefact whole; `jax.export.deserialize(path.read_bytes())` reads it."""
    with whole_file(path) as partial:
        partial.write_bytes(exported.serialize())


def describe(exported: export.Exported) -> dict[str, Any]:
    """What the artefact takes and gives, for people: name -> shape and dtype as text."""
    (inputs, _), _ = jax.tree.unflatten(exported.in_tree, exported.in_avals)
    image = jax.tree.unflatten(exported.out_tree, exported.out_avals)
    return {
        "inputs": {name: aval.str_short() for name, aval in inputs.items()},
        "seed": "int32[]",
        "images": image.str_short(),
        "platforms": list(exported.platforms),
    }

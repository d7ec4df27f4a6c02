"""Our inference and training step as programs of a worker."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ml_collections import ConfigDict


def own_inference(arguments: Mapping[str, Any]) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Maker of the program that makes images by a recipe's method.

    Args:
        arguments: `config`, the recipe as a dict; `batch`, arrays by name.
    """
    import jax

    from benchmarks.side_by_side import inference_program

    batch = jax.tree.map(jax.numpy.asarray, dict(arguments["batch"]))
    jitted, operands = inference_program(ConfigDict(arguments["config"]), batch)
    start = time.perf_counter()
    compiled = jitted.lower(*operands).compile()
    facts = _facts(compiled, time.perf_counter() - start)
    return lambda: jax.block_until_ready(compiled(*operands)), facts


def own_step(arguments: Mapping[str, Any]) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Maker of the program that makes one training step; arguments as for `own_inference`."""
    import jax

    from jaxsyn.training.runs import make_run
    from jaxsyn.training.sharding import put_batch

    run = make_run(ConfigDict(arguments["config"]))
    batch = put_batch(run.mesh, arguments["batch"])
    start = time.perf_counter()
    compiled = run.jitted_step().lower(run.template, {}, batch).compile()
    facts = _facts(compiled, time.perf_counter() - start)
    state = run.initial_state()

    def step() -> None:
        nonlocal state
        state, _ = compiled(state, {}, batch)
        jax.block_until_ready(state)

    return step, facts


def _facts(compiled: Any, seconds: float) -> dict[str, Any]:
    import jax

    # What runs in loops is counted once: of a program with loops these are lower bounds.
    cost = compiled.cost_analysis() or {}
    return {
        "library": f"jax {jax.__version__}",
        "compile_seconds": seconds,
        "flops": cost.get("flops"),
        "bytes_moved": cost.get("bytes accessed"),
    }

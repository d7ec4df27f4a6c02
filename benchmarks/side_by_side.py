"""Methods side by side: each one's images as one compiled program, their times by ratio."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
from ml_collections import ConfigDict

from benchmarks.recipes import load_recipe, resize, scenes_batch
from benchmarks.timing import Program, interleaved_times, pair_ratios, spread
from jaxsyn.errors import UserError
from jaxsyn.methods import InitializingNets, Nets, build


class Inference(NamedTuple):
    """A method's compiled `generate`.

    Attributes:
        parameters: numbers in the networks that it uses.
        flops: what the compiler counts; None where it does not.
    """

    run: Program
    parameters: int
    flops: float | None


def inference_program(config: ConfigDict, batch: Mapping[str, jax.Array]) -> tuple[Any, tuple[Any, ...]]:
    """The jitted function that makes images by the recipe's method, and its operands: new parameters, and the batch."""
    method, rng = build(config), jax.random.key(0)
    networks = method.networks()

    def initial(batch: Mapping[str, jax.Array]) -> tuple[Any, Any]:
        nets = InitializingNets(networks, rng, {})
        method.generate(nets, batch, rng)
        return nets.params, nets.states

    def images(params: Any, states: Any, batch: Mapping[str, jax.Array]) -> jax.Array:
        return method.generate(Nets(networks, params, states, train=False), batch, rng)

    # Many small random draws, made once: on a CPU, optimising their code takes far longer than running it.
    options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
    made = jax.jit(initial).lower(batch).compile(compiler_options=options)(batch)
    return jax.jit(images), (*made, batch)


def compile_inference(config: ConfigDict, batch: Mapping[str, jax.Array]) -> Inference:
    """The program that makes images of the batch by the recipe's method, with parameters as training begins."""
    jitted, operands = inference_program(config, batch)
    compiled = jitted.lower(*operands).compile()
    count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(operands[0]))
    flops = (compiled.cost_analysis() or {}).get("flops")
    return Inference(lambda: compiled(*operands), count, flops)


def measure(recipes: Sequence[str], height: int, width: int, batch_size: int, repeats: int) -> dict[str, Any]:
    """The figures that `--json` writes.

    Raises:
        UserError: a recipe that there is not, or twice the same one.
    """
    if len(set(recipes)) < len(recipes):
        raise UserError("the same recipe twice: leave one of them out")
    programs = {}
    for recipe in recipes:
        config = load_recipe(recipe)
        resize(config, height, width)
        programs[recipe] = compile_inference(config, scenes_batch(config, batch_size))
    seconds = interleaved_times({recipe: program.run for recipe, program in programs.items()}, repeats)
    methods = []
    for recipe, program in programs.items():
        figures = {"recipe": recipe, "parameters": program.parameters, "flops": program.flops}
        figures["ratios"] = pair_ratios(seconds[recipe], seconds[recipes[0]])
        if jax.default_backend() != "cpu":
            figures["milliseconds"] = 1000 * statistics.median(seconds[recipe])
        methods.append(figures)
    device = jax.devices()[0]
    shape = {"height": height, "width": width, "batch_size": batch_size, "repeats": repeats}
    return {"device": device.device_kind, "jax": jax.__version__, **shape, "methods": methods}


def table(figures: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    size = f"{figures['height']}x{figures['width']}, batch {figures['batch_size']}"
    lines = [f"inference, {size}, {figures['repeats']} rounds on {figures['device']}, jax {figures['jax']}"]
    longest = max(len(method["recipe"]) for method in figures["methods"])
    lines += [f"{'recipe':{longest}}  parameters   GFLOP  time / first: median (least, most)"]
    for method in figures["methods"]:
        middle, least, most = spread(method["ratios"])
        flops = f"{method['flops'] / 1e9:6.1f}" if method["flops"] else f"{'?':>6}"
        line = f"{method['recipe']:{longest}}  {method['parameters'] / 1e6:8.1f} M  {flops}  {middle:.2f}"
        line += f" ({least:.2f}, {most:.2f})"
        lines.append(line + (f"  {method['milliseconds']:.1f} ms" if "milliseconds" in method else ""))
    return "\n".join(lines)

"""Do eight devices compute what one does? On simulated devices, in every split, at fixed weights or training.

    python -m tests.meshes spade clade --fixed [--meshes data=8 data=4,space=2 data=4,fsdp=2]
    python -m tests.meshes spade clade [--steps 5] [--meshes ...]

One line a method and mesh. With `--fixed`, at the weights before the first step: the largest difference of a term of
any phase from one device's, relative to it, and of a network's gradient, relative to its norm; a gradient whose terms
cancel (an untrained discriminator's, of real and of generated images) loses more digits than its terms do. Without, the
largest difference of a logged term at the first step and at the last. A logged step is looser: Adam's first step has
the length of the rate whatever the gradient, so where that is nothing but rounding, the weights part by whole steps,
and the later phases of the same step see them. Takes the `scenes` presets as they are, but for a batch of eight.
"""

import argparse
import importlib
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

DEVICES = 8
MESHES = ("data=8", "data=4,space=2", "data=4,fsdp=2")


def run_on(config, mesh: Mapping[str, int]) -> tuple[Any, Any]:
    """The run of a config on a mesh, and an iterator over its batches there."""
    from jaxsyn.data import train_batches
    from jaxsyn.training.runs import make_run
    from jaxsyn.training.sharding import put_batch

    config = config.copy_and_resolve_references()
    config.batch_size = DEVICES
    config.mesh.update({"data": 1, "space": 1, "fsdp": 1, **mesh})
    run = make_run(config)
    return run, (put_batch(run.mesh, batch) for batch in train_batches(config))


def losses(config, mesh: Mapping[str, int], steps: int) -> list[dict[str, float]]:
    """The logged terms of the first steps on a mesh."""
    run, batches = run_on(config, mesh)
    state, step, values = run.initial_state(), run.jitted_step(), []
    for _ in range(steps):
        state, terms = step(state, {}, next(batches))
        values.append({name: float(term) for name, term in terms.items()})
    return values


def at_start(config, mesh: Mapping[str, int]) -> tuple[dict[str, float], dict[str, list[Any]]]:
    """At the weights before the first step: PHASE/TERM -> term, and PHASE/NETWORK -> its gradient's arrays."""
    import jax
    import numpy as np

    from jaxsyn.training.step import phase_gradients

    run, batches = run_on(config, mesh)
    state, batch, rng = run.initial_state(), next(batches), jax.random.key(0)
    terms, gradients, states, kept = {}, {}, state.states, {}
    for phase in run.method.phases():
        of_phase = jax.jit(partial(phase_gradients, run.method, phase))
        found = of_phase(state.params, states, {}, batch, rng, kept)
        terms |= {f"{phase.name}/{name}": float(term) for name, term in found.terms.items()}
        for name, tree in found.gradients.items():
            gradients[f"{phase.name}/{name}"] = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
        states, kept = found.states, found.kept
    return terms, gradients


def worst(ours: Mapping[str, float], one: Mapping[str, float]) -> tuple[float, str]:
    """The largest relative difference, and of which term."""
    return max((abs(ours[name] - value) / max(abs(value), 1e-3), name) for name, value in one.items())


def worst_gradient(ours: Mapping[str, list[Any]], one: Mapping[str, list[Any]]) -> tuple[float, str]:
    """The largest norm of a difference, relative to the gradient's own, and of which network's."""

    def norm(arrays: list[Any]) -> float:
        return sum(float((array**2).sum()) for array in arrays) ** 0.5

    return max(
        (norm([a - b for a, b in zip(ours[name], arrays, strict=True)]) / max(norm(arrays), 1e-12), name)
        for name, arrays in one.items()
    )


def parse_mesh(text: str) -> dict[str, int]:
    """`data=4,space=2` as a dictionary."""
    return {axis: int(size) for axis, size in (part.split("=") for part in text.split(","))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="+", help="names of files in configs/")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--fixed", action="store_true", help="compare terms and gradients at the first weights")
    parser.add_argument("--meshes", nargs="+", default=MESHES)
    arguments = parser.parse_args()
    for method in arguments.methods:
        config = importlib.import_module(f"configs.{method}").get_config()
        compute = at_start if arguments.fixed else partial(losses, steps=arguments.steps)
        one = compute(config, {"data": 1})
        for mesh in arguments.meshes:
            ours = compute(config, parse_mesh(mesh))
            if arguments.fixed:
                (term, which), (gradient, of) = worst(ours[0], one[0]), worst_gradient(ours[1], one[1])
                print(f"{method} {mesh}: terms {term:.1e} ({which}), gradients {gradient:.1e} ({of})", flush=True)
            else:
                (first, term), (last, last_term) = worst(ours[0], one[0]), worst(ours[-1], one[-1])
                end = f"step {arguments.steps} {last:.1e} ({last_term})"
                print(f"{method} {mesh}: step 1 {first:.1e} ({term}), {end}", flush=True)


if __name__ == "__main__":
    # Read when JAX makes its first array.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
    main()

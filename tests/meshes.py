"""Do eight devices compute what one does? Trains a few steps on simulated devices in every split.

    python -m tests.meshes spade clade [--steps 5] [--meshes data=8 data=4,space=2 data=4,fsdp=2]

One line a method and mesh: the largest difference of a logged term from one device's, relative to it, at the first and
at the last step. Takes the `scenes` presets as they are, but for a batch of eight.
"""

import argparse
import importlib
import os
from collections.abc import Mapping
from functools import partial

DEVICES = 8
MESHES = ("data=8", "data=4,space=2", "data=4,fsdp=2")


def losses(config, mesh: Mapping[str, int], steps: int) -> list[dict[str, float]]:
    """The logged terms of the first steps on a mesh."""
    import jax

    from jaxsyn.data import train_batches
    from jaxsyn.training.runs import make_run
    from jaxsyn.training.sharding import put_batch
    from jaxsyn.training.step import train_step

    config = config.copy_and_resolve_references()
    config.batch_size = DEVICES
    config.mesh.update({"data": 1, "space": 1, "fsdp": 1, **mesh})
    run = make_run(config)
    state, shardings = run.initial_state(), jax.tree.map(lambda leaf: leaf.sharding, run.template)
    step = jax.jit(partial(train_step, run.method, config), donate_argnums=0, out_shardings=(shardings, None))
    batches, values = iter(train_batches(config)), []
    for _ in range(steps):
        state, terms = step(state, {}, put_batch(run.mesh, next(batches)))
        values.append({name: float(term) for name, term in terms.items()})
    return values


def worst(ours: Mapping[str, float], one: Mapping[str, float]) -> tuple[float, str]:
    """The largest relative difference, and of which term."""
    return max((abs(ours[name] - value) / max(abs(value), 1e-3), name) for name, value in one.items())


def parse_mesh(text: str) -> dict[str, int]:
    """`data=4,space=2` as a dictionary."""
    return {axis: int(size) for axis, size in (part.split("=") for part in text.split(","))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="+", help="names of files in configs/")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--meshes", nargs="+", default=MESHES)
    arguments = parser.parse_args()
    for method in arguments.methods:
        config = importlib.import_module(f"configs.{method}").get_config()
        one = losses(config, {"data": 1}, arguments.steps)
        for mesh in arguments.meshes:
            ours = losses(config, parse_mesh(mesh), arguments.steps)
            (first, term), (last, last_term) = worst(ours[0], one[0]), worst(ours[-1], one[-1])
            print(f"{method} {mesh}: step 1 {first:.1e} ({term}), step {arguments.steps} {last:.1e} ({last_term})")


if __name__ == "__main__":
    # Read when JAX makes its first array.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"
    main()

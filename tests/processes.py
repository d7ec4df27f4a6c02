"""Do several processes compute what one does? Trains a few steps in processes of simulated devices, on one machine.

    python -m tests.processes spade cyclegan [--steps 5] [--layouts 1x1 1x8 2x4 4x2] [--mesh data=8]

A layout is PROCESSESxDEVICES; those of one device have a mesh of one. One line a method and layout: the largest
relative difference of a logged term from the first layout's and from the second's, at the first and at the last step.
Then one line a pair of layouts: whether the checkpoint that the one wrote half way is, to the bit, what the other
reads, and how far the step after it is from the writer's. Takes the `scenes` presets as they are, but for a batch of
eight; `tiny` is the tests' smallest recipe.
"""

import argparse
import hashlib
import importlib
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.meshes import DEVICES, parse_mesh, worst

ROOT = Path(__file__).parent.parent
LAYOUTS = ("1x1", "1x8", "2x4", "4x2")


def work(config: Any, mesh: Mapping[str, int], steps: int, folder: Path, layout: str) -> dict[str, Any]:
    """What every process of a layout does.

    Trains, unless its checkpoint is there already, and saves it half way as FOLDER/LAYOUT; then makes a step from every
    other checkpoint there.

    Returns:
        "losses": the terms of each step; "digest" of the state that was saved; "crossed": layout -> digest of the
        state that was read, and the terms of the step after.
    """
    import jax

    from jaxsyn.data import train_batches
    from jaxsyn.training.checkpoints import Checkpoints
    from jaxsyn.training.runs import make_run
    from jaxsyn.training.sharding import process_share, put_batch

    config = config.copy_and_resolve_references()
    config.mesh.update({"data": 1, "space": 1, "fsdp": 1, **mesh})
    run = make_run(config)
    step_function, half = run.jitted_step(), steps // 2 + 1

    def batches(start: int) -> Any:
        made = train_batches(config, start_step=start, **process_share(run.mesh))
        return map(partial(put_batch, run.mesh), made)

    def numbers(terms: Mapping[str, jax.Array]) -> dict[str, float]:
        return {name: float(term) for name, term in terms.items()}

    found: dict[str, Any] = {"losses": [], "crossed": {}}
    if not (folder / layout).exists():
        state, checkpoints = run.initial_state(), Checkpoints(folder / layout)
        for step, batch in zip(range(1, steps + 1), batches(0), strict=False):
            state, terms = step_function(state, {}, batch)
            found["losses"].append(numbers(terms))
            if step == half:
                found["digest"] = digest(state)
                checkpoints.save(step, state)
        checkpoints.close()
    for other in sorted(path.name for path in folder.iterdir() if path.name != layout):
        checkpoints = Checkpoints(folder / other)
        state = checkpoints.restore(half, run.template)
        checkpoints.close()
        read = digest(state)
        _, terms = step_function(state, {}, next(batches(half)))
        found["crossed"][other] = {"digest": read, "losses": numbers(terms)}
    return found


def digest(state: Any) -> str:
    """SHA-256 of every array of a state, whatever devices of whatever processes it lies on."""
    import jax
    import numpy as np
    from jax.experimental.multihost_utils import process_allgather

    hashed = hashlib.sha256()
    for leaf in jax.tree.leaves(state):
        hashed.update(np.asarray(process_allgather(leaf, tiled=True)).tobytes())
    return hashed.hexdigest()


def load_config(method: str) -> Any:
    """The `scenes` preset with a batch of eight; of `tiny`, the tests' smallest."""
    module = "tests.tiny_recipe" if method == "tiny" else f"configs.{method}"
    config = importlib.import_module(module).get_config()
    config.batch_size = DEVICES
    return config


def start(layout: str, command: Sequence[str]) -> list[subprocess.Popen]:
    """A command in every process of a layout; each gets the flags by which it finds the others."""
    count, devices = map(int, layout.split("x"))
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"--coordinator_address=localhost:{free.getsockname()[1]}"
    return [
        subprocess.Popen(
            [sys.executable, *command, *([address, f"--num_processes={count}", f"--process_id={i}"] * (count > 1))],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(count)
    ]


def run_layout(method: str, layout: str, mesh: str, steps: int, folder: Path) -> dict[str, Any]:
    """`work` in processes of their own."""
    arguments = [method, "--work", layout, "--mesh", mesh, "--steps", str(steps), "--folder", str(folder)]
    processes = start(layout, ["-m", "tests.processes", *arguments])
    ended = [process.communicate() for process in processes]
    for process, (_, err) in zip(processes, ended, strict=True):
        if process.returncode:
            sys.exit(f"{method} {layout}: a process ended with {process.returncode}\n{err[-2000:]}")
    return json.loads(ended[0][0].splitlines()[-1])


def compare(method: str, layouts: Sequence[str], mesh: str, steps: int) -> None:
    """Prints how far the layouts are from each other, and how their checkpoints are read."""
    with tempfile.TemporaryDirectory() as name:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{name}/compiled")
        folder = Path(name) / "checkpoints"
        folder.mkdir()
        found: dict[str, Any] = {}
        for layout in layouts:
            ours = run_layout(method, layout, mesh, steps, folder)
            for base, theirs in itertools.islice(found.items(), 2):
                (first, at), (last, at_last) = (worst(ours["losses"][i], theirs["losses"][i]) for i in (0, -1))
                told = f"step 1 {first:.1e} ({at}), step {steps} {last:.1e} ({at_last})"
                print(f"{method} {layout} to {base}: {told}", flush=True)
            found[layout] = ours
        # The last one has read all the others'; each of the others has yet to read those after it.
        for layout in layouts[:-1]:
            found[layout]["crossed"] |= run_layout(method, layout, mesh, steps, folder)["crossed"]
        for writer, reader in itertools.permutations(layouts, 2):
            read = found[reader]["crossed"][writer]
            same = "the same bits" if read["digest"] == found[writer]["digest"] else "OTHER BITS"
            off, at = worst(read["losses"], found[writer]["losses"][steps // 2 + 1])
            print(f"{method} written by {writer}, read by {reader}: {same}, next step {off:.1e} ({at})")


def main() -> None:
    """Runs the command, or the work of one of its processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="+", help="names of files in configs/, or tiny")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--layouts", nargs="+", default=LAYOUTS)
    parser.add_argument("--mesh", default=f"data={DEVICES}")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--coordinator_address", help=argparse.SUPPRESS)
    parser.add_argument("--num_processes", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--process_id", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.work:
        for method in given.methods:
            compare(method, given.layouts, given.mesh, given.steps)
        return
    import jax

    if given.num_processes:
        jax.distributed.initialize(given.coordinator_address, given.num_processes, given.process_id)
    mesh = parse_mesh(given.mesh) if jax.device_count() > 1 else {}
    print(json.dumps(work(load_config(given.methods[0]), mesh, given.steps, given.folder, given.work)))


if __name__ == "__main__":
    main()

"""What a training step needs of a TPU pod, without one: the TPU compiler runs on any machine (pip install libtpu).

    python -m benchmarks.tpu --config configs/spade.py:cityscapes --topology v5e:2x4 [--config.KEY=VALUE ...]

Compiles the step for the topology's chips in a process of its own, which a crash of the compiler ends alone, and prints
one JSON line: bytes of memory a chip, flops and bytes moved a chip, collectives by kind, and the least time that a step
can take by each of them (`bound` names the largest). The compiler's own estimate of the time is not used.
"""

import concurrent.futures
import json
import multiprocessing
import os
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from benchmarks.collectives import collectives
from jaxsyn import cli
from jaxsyn.errors import UserError

# Kind of chip -> its memory in bytes, bfloat16 FLOP/s, bytes/s of memory, bytes/s over the links to its neighbours.
CHIPS = {
    "v5e": (16e9, 197e12, 819e9, 200e9),
    "v5p": (95e9, 459e12, 2765e9, 600e9),
    "v6e": (32e9, 918e12, 1640e9, 448e9),
}
# libtpu asks the cloud for these unless they are set.
ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}


def step_figures(config: ConfigDict, topology: str) -> dict[str, Any]:
    """`compile_step` in a process of its own.

    Raises:
        UserError: as `compile_step`; or the compiler crashed.
    """
    if topology.partition(":")[0] not in CHIPS:
        raise UserError(f"--topology={topology}: the figures of {', '.join(CHIPS)} are known")
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as process:
        try:
            return process.submit(compile_step, config.to_dict(), topology).result()
        except BrokenProcessPool:
            raise UserError(
                f"the TPU compiler crashed on {config.method}: try compute_dtype=bfloat16, a smaller batch, or another "
                "mesh"
            ) from None


def compile_step(config: dict[str, Any], topology: str) -> dict[str, Any]:
    """The figures of a recipe's step on a topology. Runs the TPU compiler, so in a process of its own.

    Raises:
        UserError: there is no TPU compiler, no such topology, or a mesh that it does not allow.
    """
    os.environ.update(ENVIRONMENT)
    # The environment decides what jax finds when it is first imported.
    import jax
    from jax.experimental import topologies

    from jaxsyn.data import blank_batch
    from jaxsyn.training.frozen import frozen_shapes
    from jaxsyn.training.runs import make_run
    from jaxsyn.training.sharding import batch_sharding, replicated

    try:
        devices = topologies.get_topology_desc(topology, platform="tpu").devices
    except Exception as error:  # of many kinds, by what is missing
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"--topology={topology}: no such topology, or no libtpu here (pip install libtpu): {reason}"
        ) from error
    run = make_run(ConfigDict(config), devices)
    frozen = jax.tree.map(lambda shape: _placed(shape, replicated(run.mesh)), frozen_shapes(run.method))
    batch = {name: _placed(x, batch_sharding(run.mesh, x)) for name, x in blank_batch(run.config).items()}
    compiled = run.jitted_step().lower(run.template, frozen, batch).compile()
    return _figures(compiled, run, topology)


def _placed(array: Any, sharding: Any) -> Any:
    import jax

    return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=sharding)


def _figures(compiled: Any, run: Any, topology: str) -> dict[str, Any]:
    memory, cost = compiled.memory_analysis(), compiled.cost_analysis()
    flops, moved = float(cost["flops"]), float(cost["bytes accessed"])
    exchanged = collectives(compiled.as_text())
    available, peak, bandwidth, links = CHIPS[topology.partition(":")[0]]
    seconds = {
        "arithmetic": flops / peak,
        "memory": moved / bandwidth,
        "links": sum(kind["bytes"] for kind in exchanged.values()) / links,
    }
    needed = memory.argument_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    needed += memory.temp_size_in_bytes + memory.generated_code_size_in_bytes
    return {
        "method": run.config.method,
        "topology": topology,
        "mesh": dict(run.mesh.shape),
        "batch_size": run.config.batch_size,
        "height": run.config.data.height,
        "width": run.config.data.width,
        "compute_dtype": run.config.compute_dtype,
        "remat": run.config.remat,
        "memory_bytes": needed,
        "fits": needed <= available,
        "flops": flops,
        "bytes_moved": moved,
        "collectives": exchanged,
        "least_seconds": seconds,
        "bound": max(seconds, key=seconds.get),
    }


def main(arguments: list[str]) -> None:
    """Runs the command."""
    if arguments:
        raise UserError(f"unknown arguments: {' '.join(arguments)}")
    print(json.dumps(step_figures(flags.FLAGS.config, flags.FLAGS.topology)))


if __name__ == "__main__":
    config_flags.DEFINE_config_file("config", None, "Recipe: configs/METHOD.py or configs/METHOD.py:PRESET.")
    flags.DEFINE_string("topology", "v5e:2x4", "Chips to compile for, KIND:ROWSxCOLUMNS.")
    flags.mark_flag_as_required("config")
    cli.run(main)

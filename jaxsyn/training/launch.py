"""How the processes of one run find each other: by flags, or by what the cluster says."""

import os
import sys

import jax
from absl import flags

from jaxsyn.errors import UserError

ADDRESS, COUNT, INDEX = "coordinator_address", "num_processes", "process_id"


def define_flags() -> None:
    """Adds the flags that `join_processes` reads, under the names that `jax.distributed.initialize` has for them."""
    flags.DEFINE_bool(
        "distributed",
        False,
        "This is one of several processes; which one, the cluster says: Cloud TPU, SLURM, Kubernetes, Open MPI.",
    )
    flags.DEFINE_string(ADDRESS, None, "HOST:PORT of process 0, where no cluster says it.")
    flags.DEFINE_integer(COUNT, None, "How many processes there are.", lower_bound=1)
    flags.DEFINE_integer(INDEX, None, "Number of this process, from 0.", lower_bound=0)


def join_processes() -> None:
    """Joins the other processes of the run, if the flags say that there are any; only the first one prints then.

    Raises:
        UserError: as `join` does.
    """
    values = flags.FLAGS.flag_values_dict()
    join(values["distributed"], **{name: values[name] for name in (ADDRESS, COUNT, INDEX)})
    if jax.process_index() > 0:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- for as long as the process lives


def join(distributed: bool, **given: str | int | None) -> None:
    """Joins the other processes of a run, before anything else asks JAX for a device.

    Args:
        distributed: ask the cluster for what is not given.
        given: "coordinator_address", "num_processes" and "process_id", or None for each; none of them and not
            `distributed`: this is the only process.

    Raises:
        UserError: only some are given, no cluster is found, the others cannot be reached, or this is a process of a
            TPU pod that was not told so.
    """
    known = {name: value for name, value in given.items() if value is not None}
    missing = [f"--{name}" for name in given if name not in known]
    if distributed:
        _initialize(known, cluster=None)
    elif not missing:
        _initialize(known, cluster="deactivate")
    elif known:
        raise UserError(
            f"{' and '.join(missing)} not given: give all three, or --distributed where a cluster knows them"
        )
    elif jax.process_count() > 1:
        raise UserError(f"this is one of {jax.process_count()} processes of a pod: give --distributed")


def _initialize(known: dict[str, str | int], cluster: str | None) -> None:
    try:
        jax.distributed.initialize(**known, cluster_detection_method=cluster)
    except Exception as error:  # whatever a cluster's detection runs into: files, metadata servers, its API
        reason = (str(error).strip().splitlines() or [repr(error)])[0]
        remedy = f"give --{ADDRESS}, --{COUNT} and --{INDEX}, or nothing of the kind for a single process"
        if reason == f"{ADDRESS} should be defined.":
            raise UserError(f"--distributed found no Cloud TPU, SLURM, Kubernetes or Open MPI job: {remedy}") from error
        raise UserError(f"the processes did not find each other ({reason}): {remedy}") from error

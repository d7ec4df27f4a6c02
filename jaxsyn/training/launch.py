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
        UserError: the flags are incomplete, no cluster is found, or the others cannot be reached.
    """
    values = flags.FLAGS.flag_values_dict()
    given = {name: values[name] for name in (ADDRESS, COUNT, INDEX) if values[name] is not None}
    if values["distributed"]:
        _initialize(given, cluster=None)
    elif len(given) == 3:
        _initialize(given, cluster="deactivate")
    elif given:
        missing = ", ".join(f"--{name}" for name in (ADDRESS, COUNT, INDEX) if name not in given)
        raise UserError(f"{missing} not given: give all three, or --distributed where a cluster knows them")
    elif jax.process_count() > 1:  # a TPU pod knows without being asked
        raise UserError(f"this is one of {jax.process_count()} processes of a pod: give --distributed")
    if jax.process_index() > 0:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- for as long as the process lives


def _initialize(given: dict[str, str | int], cluster: str | None) -> None:
    try:
        jax.distributed.initialize(**given, cluster_detection_method=cluster)
    except Exception as error:  # whatever a cluster's detection runs into: files, metadata servers, its API
        reason = (str(error).strip().splitlines() or [repr(error)])[0]
        remedy = f"give --{ADDRESS}, --{COUNT} and --{INDEX}, or none of them for one process"
        if reason == f"{ADDRESS} should be defined.":
            raise UserError(f"--distributed found no Cloud TPU, SLURM, Kubernetes or Open MPI job: {remedy}") from error
        raise UserError(f"the processes did not find each other ({reason}): {remedy}") from error

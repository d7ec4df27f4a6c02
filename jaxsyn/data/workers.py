"""The processes that read and transform records, and what is said when one of them dies."""

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator

import grain
import numpy as np
from absl import flags

from jaxsyn.errors import UserError

# The message of grain's RuntimeError.
_DIED = re.compile(r"worker process was terminated.*exit code (-?\d+)", re.IGNORECASE)


def in_workers(batches: grain.IterDataset, num_workers: int) -> grain.IterDataset:
    """The same batches, made ahead by worker processes; without any, the data set itself."""
    if num_workers == 0:
        return batches
    if not flags.FLAGS.is_parsed():  # grain's worker processes read absl flags, which only absl programs parse
        flags.FLAGS.mark_as_parsed()
    options = grain.MultiprocessingOptions(num_workers=num_workers, per_worker_buffer_size=2)
    return batches.mp_prefetch(options, worker_init_fn=_serve_parent)


class Batches(Iterator[dict[str, np.ndarray]]):
    """Batches of a data set, with the death of a worker process as one line.

    examine: is handed each batch, and gives what becomes of it.
    """

    def __init__(self, batches: grain.IterDataset, examine: Callable[[dict], dict] = lambda batch: batch):
        self._batches = iter(batches)
        self._examine = examine

    def __next__(self) -> dict[str, np.ndarray]:
        """Raises UserError for bad input, and where a worker process has died."""
        try:
            return self._examine(next(self._batches))
        except RuntimeError as error:
            died = _DIED.search(str(error))
            if died is None:
                raise
            raise UserError(_epitaph(int(died.group(1)))) from None

    def close(self) -> None:
        """Ends the worker processes."""
        self._batches.close()


def _epitaph(exit_code: int) -> str:
    start = "a worker process that reads the data"
    if exit_code == -signal.SIGKILL:
        return (
            f"{start} was killed (SIGKILL), as the system does where memory runs out: lower data.num_workers or "
            "batch_size, or give the machine more memory; the same command goes on from the last checkpoint"
        )
    reason = signal.Signals(-exit_code).name if exit_code < 0 else f"exit status {exit_code}"
    return (
        f"{start} died ({reason}): data.num_workers=0 reads in the training process and shows why; the same command "
        "goes on from the last checkpoint"
    )


def _serve_parent(index: int, count: int) -> None:
    """In a worker: leaves signals to the process it works for, and ends with that one however it ends.

    A terminal and cluster managers send their signals to all processes of a job; the run still needs batches then, to
    end in good order.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)

"""Programs in processes of their own, run in turn: neither library's threads and memory are in the other's way."""

import multiprocessing
import re
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from jaxsyn.errors import UserError

# Makes a program from a dict of arguments: the call that runs it once, to its end, and what to tell of it. A program
# that knows better than the clock how long it took gives a float.
Maker = Callable[[Mapping[str, Any]], tuple[Callable[[], Any], dict[str, Any]]]


class Worker:
    """A process that holds one program; a context manager.

    Attributes:
        facts: what the maker tells of the program.
    """

    def __init__(self, make: Maker, arguments: Mapping[str, Any]):
        """
        Raises:
            UserError: the program could not be made.
        """
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, dict(arguments), other))
        self._process.start()
        other.close()
        self.facts = self._answer()

    def seconds(self) -> float:
        """Runs the program once."""
        self._connection.send("run")
        return self._answer()

    def peak_bytes(self) -> int | None:
        """The most memory that the process has had since the program was made; None where the system does not say."""
        self._connection.send("peak")
        return self._answer()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except EOFError:
            self._process.join()
            raise UserError(f"a benchmark's process ended by itself, with status {self._process.exitcode}") from None
        if isinstance(answer, UserError):
            raise answer
        return answer


def interleaved(workers: Mapping[str, Worker], repeats: int, *, warm_up: int = 2) -> dict[str, list[float]]:
    """Seconds of each worker's program, once in each of `repeats` rounds, of which every second goes backwards."""
    seconds = {name: [] for name in workers}
    for i in range(-warm_up, repeats):
        for name in workers if i % 2 == 0 else reversed(workers):
            taken = workers[name].seconds()
            if i >= 0:
                seconds[name].append(taken)
    return seconds


def _serve(make: Maker, arguments: dict[str, Any], connection: Connection) -> None:
    try:
        run, facts = make(arguments)
    except UserError as error:
        connection.send(error)
        return
    _forget_peak()
    connection.send(facts)
    while True:
        try:
            asked = connection.recv()
        except EOFError:  # the first process is gone
            return
        if asked == "run":
            start = time.perf_counter()
            taken = run()
            connection.send(taken if isinstance(taken, float) else time.perf_counter() - start)
        else:
            connection.send(_peak())


def _forget_peak() -> None:
    # Compiling takes memory too, which is not the step's.
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak() -> int | None:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return None
    return 1024 * int(found.group(1)) if found else None

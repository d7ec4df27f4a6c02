"""Several processes that are one run: what they agree on, and which of them speaks."""

from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxsyn.errors import UserError

T = TypeVar("T")
# Bytes of an error that reach the other processes.
MESSAGE = 1024


def is_first() -> bool:
    """Whether this process is the one that prints, and writes everything but checkpoints, which all write."""
    return jax.process_index() == 0


def together(action: Callable[[], T]) -> T:
    """Runs the same action in every process; where it fails in any, all raise, and none waits for one that is gone.

    Raises:
        UserError: what was raised here or, with that process's number, elsewhere.
    """
    return _run(action, here=True)


def by_first(action: Callable[[], None]) -> None:
    """Runs an action in the first process alone while the others wait; where it fails, all raise.

    Raises:
        UserError: what the first process raised.
    """
    _run(action, here=is_first())


def of_first(value: int) -> int:
    """The first process's value, in all of them."""
    return value if jax.process_count() == 1 else int(multihost_utils.broadcast_one_to_all(np.int64(value)))


def _run(action: Callable[[], T], here: bool) -> T:
    if jax.process_count() == 1:
        return action()
    result, error = None, None
    try:
        result = action() if here else None
    except Exception as raised:
        error = raised
    messages = _exchange(str(error) or repr(error) if error else "")
    if error:
        raise error
    for index, message in enumerate(messages):
        if message:
            raise UserError(f"process {index}: {message}")
    return result


def _exchange(message: str) -> list[str]:
    """The message of every process, by its number."""
    sent = np.frombuffer(message.encode()[:MESSAGE].ljust(MESSAGE, b"\0"), np.uint8)
    received = np.asarray(multihost_utils.process_allgather(sent))
    return [row.tobytes().rstrip(b"\0").decode(errors="replace") for row in received]

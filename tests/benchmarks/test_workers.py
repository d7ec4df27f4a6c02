"""Programs in processes of their own."""

import pytest

from benchmarks.workers import Worker, interleaved
from jaxsyn.errors import UserError


def counting(arguments):
    """A program that says it took as many seconds as it has run times."""
    runs = iter(range(1, 100))
    return lambda: float(next(runs) * arguments["scale"]), {"scale": arguments["scale"]}


def failing(arguments):
    raise UserError("no such thing")


def test_programs_run_in_turns_and_warm_up_runs_do_not_count():
    with Worker(counting, {"scale": 1}) as one, Worker(counting, {"scale": 10}) as ten:
        assert (one.facts, ten.facts) == ({"scale": 1}, {"scale": 10})
        assert interleaved({"one": one, "ten": ten}, 2, warm_up=1) == {"one": [2.0, 3.0], "ten": [20.0, 30.0]}
        assert one.peak_bytes() is None or one.peak_bytes() > 2**20


def test_what_a_user_did_wrong_is_told_in_the_first_process():
    with pytest.raises(UserError, match="no such thing"):
        Worker(failing, {})

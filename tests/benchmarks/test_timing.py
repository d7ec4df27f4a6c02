"""How programs are timed against each other."""

import pytest

from benchmarks.timing import interleaved_times, pair_ratios, spread


def test_every_program_runs_once_a_round_and_rounds_turn_about():
    calls = []
    seconds = interleaved_times({name: lambda name=name: calls.append(name) for name in "abc"}, 2, warm_up=2)
    assert calls == [*"abc", *"cba", *"abc", *"cba"]
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2, "c": 2}


def test_ratios_are_taken_round_by_round():
    ratios = pair_ratios([2.0, 9.0, 4.0], [1.0, 3.0, 1.0])
    assert ratios == [2.0, 3.0, 4.0]
    assert spread(ratios) == (3.0, 2.0, 4.0)
    with pytest.raises(ValueError, match="shorter"):
        pair_ratios([1.0, 2.0], [1.0])

"""How processes find each other, and what is said where they do not."""

import jax
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.launch import join

NONE = {"coordinator_address": None, "num_processes": None, "process_id": None}
ALL = {"coordinator_address": "host:1234", "num_processes": 2, "process_id": 1}


@pytest.fixture
def started(monkeypatch):
    """What JAX was asked to start."""
    calls = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda **options: calls.append(options))
    return calls


def fail(message):
    def initialize(**_):
        raise ValueError(message)

    return initialize


def test_without_flags_a_process_is_alone(started):
    join(False, **NONE)
    assert started == []


def test_three_flags_say_everything_and_no_cluster_is_asked(started):
    join(False, **ALL)
    assert started == [ALL | {"cluster_detection_method": "deactivate"}]


def test_the_cluster_says_what_is_not_given(started):
    join(True, **NONE | {"process_id": 3})
    assert started == [{"process_id": 3, "cluster_detection_method": None}]


def test_some_of_the_flags_are_an_error_that_names_the_others(started):
    with pytest.raises(UserError, match=r"--coordinator_address and --process_id not given: give all three, or --dist"):
        join(False, **NONE | {"num_processes": 2})


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "coordinator_address should be defined.",
            "found no Cloud TPU, SLURM, Kubernetes or Open MPI job: give --coord",
        ),
        ("DEADLINE\nlater", r"did not find each other \(DEADLINE\): give --coordinator_address"),
    ],
)
def test_no_cluster_or_no_others_is_an_error_in_one_line(monkeypatch, message, told):
    monkeypatch.setattr(jax.distributed, "initialize", fail(message))
    with pytest.raises(UserError, match=told) as raised:
        join(True, **NONE)
    assert "\n" not in str(raised.value)


def test_a_process_of_a_pod_that_was_not_told_so_is_an_error(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 4)
    with pytest.raises(UserError, match="one of 4 processes of a pod: give --distributed"):
        join(False, **NONE)

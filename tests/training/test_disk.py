"""Room on the disk is looked for before training."""

import errno
import os
import shutil
from collections import namedtuple

import jax
import jax.numpy as jnp
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.disk import require_room, writing

STATE = {"kernel": jax.ShapeDtypeStruct((1000, 1000), jnp.float32), "step": jax.ShapeDtypeStruct((), jnp.int32)}
Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("keep", "held", "free", "fits"),
    [(2, 0, 12.1e6, True), (2, 0, 11.9e6, False), (2, 2, 4.1e6, True), (2, 2, 3.9e6, False), (1, 5, 3.9e6, False)],
)
def test_the_kept_checkpoints_and_the_one_being_written_must_fit(monkeypatch, tmp_path, keep, held, free, fits):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1e9, 0, free))
    if fits:
        require_room(tmp_path, STATE, keep, held)
    else:
        with pytest.raises(
            UserError, match=r"MB free, and \d checkpoints of 4\.00 MB .*: free some, lower keep_checkpoints"
        ):
            require_room(tmp_path, STATE, keep, held)


def test_a_path_that_takes_no_more_is_an_error_in_one_line(tmp_path):
    told = r"metrics: cannot be written \(No space left on device\); .* goes on from"
    with pytest.raises(UserError, match=told), writing(tmp_path / "metrics"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

"""Taking batches, and comparing them."""

import itertools

import numpy as np


def take(batches, count):
    """The first batches of a pipeline, which is closed: its threads and workers end."""
    taken = list(itertools.islice(batches, count))
    batches.close()
    return taken


def assert_same(some, others):
    """As many batches, of the same keys and numbers."""
    assert len(some) == len(others)
    for a, b in zip(some, others, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])

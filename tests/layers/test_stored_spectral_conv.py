"""Convolutions that store their spectrally normalised kernel."""

import jax
import numpy as np

from jaxsyn.interop.state_dict import from_state_dict, to_state_dict
from jaxsyn.layers import StoredSpectralConv

X = np.random.default_rng(0).normal(size=(1, 4, 4, 3)).astype(np.float32)
CONV = StoredSpectralConv(5, kernel_size=1, padding=0, use_bias=False)
VARIABLES = CONV.init(jax.random.key(0), X)


def trained(times):
    variables = VARIABLES
    for _ in range(times):
        y, updated = CONV.apply(variables, X, mutable=["spectral"])
        variables = {**variables, **updated}
    return y, variables


def test_training_divides_by_the_largest_singular_value_and_stores_the_outcome():
    _, variables = trained(30)
    stored = variables["spectral"]["kernel"][0, 0]
    np.testing.assert_allclose(np.linalg.norm(stored, 2), 1, rtol=1e-4)
    np.testing.assert_array_equal(variables["params"]["kernel"], VARIABLES["params"]["kernel"])


def test_evaluation_reads_the_stored_kernel_whatever_the_raw_one_has_become():
    y, variables = trained(1)
    moved = {**variables, "params": jax.tree.map(lambda p: p + 1, variables["params"])}
    np.testing.assert_allclose(CONV.apply(moved, X), y, rtol=1e-5)


def test_state_dicts_hold_the_raw_kernel_the_stored_one_and_the_vector():
    _, variables = trained(1)
    state = to_state_dict(variables)
    assert {name: array.shape for name, array in state.items()} == {
        "weight_orig": (5, 3, 1, 1),
        "weight": (5, 3, 1, 1),
        "weight_u": (5,),
    }
    jax.tree.map(np.testing.assert_array_equal, from_state_dict(state, variables), dict(variables))

"""Meshes of a config, and what lies where on them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractMesh, PartitionSpec

from jaxsyn.errors import UserError
from jaxsyn.training.mesh import AXES, make_mesh
from jaxsyn.training.sharding import batch_sharding, parameter_sharding, put_batch, replicated
from tests.training.toy import toy_config

MESH = AbstractMesh((4, 2, 8), AXES)


def test_by_default_all_devices_split_the_batch():
    config = toy_config(batch_size=jax.device_count())
    assert dict(make_mesh(config).shape) == {"data": jax.device_count(), "space": 1, "fsdp": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mesh.data": 64}, "mesh.data=64, mesh.space=1, mesh.fsdp=1 need 64 devices; there are 1: lower one of them"),
        ({"mesh.space": 3}, "mesh.space=3.* need 3 devices; there are 1"),
        ({"mesh.data": -1, "mesh.fsdp": -1}, "at most one is -1"),
        ({"mesh.space": 0}, "sizes are at least 1"),
        ({"mesh.data": 1, "optimizer.accumulate": 3}, r"batch_size=4 does not divide by .* = 3: set batch_size to"),
    ],
)
def test_a_mesh_that_does_not_fit_is_an_error_that_says_what_to_change(options, message):
    with pytest.raises(UserError, match=message):
        make_mesh(toy_config(**options), jax.devices()[:1])


def test_a_batch_or_height_that_the_devices_do_not_divide_is_an_error():
    eight = jax.devices()[:1] * 8
    with pytest.raises(UserError, match=r"batch_size=4 does not divide by mesh\.data \* mesh\.fsdp .* = 8"):
        make_mesh(toy_config(), eight)
    with pytest.raises(UserError, match=r"data\.height=9 does not divide by mesh\.space=2"):
        make_mesh(toy_config(**{"mesh.data": 4, "mesh.space": 2, "data.height": 9}), eight)


def test_pictures_are_split_by_batch_and_height_and_vectors_by_batch():
    def spec(*shape):
        return batch_sharding(MESH, np.zeros(shape)).spec

    assert spec(8, 16, 16, 3) == spec(8, 16, 16) == PartitionSpec(("data", "fsdp"), "space")
    assert spec(8) == spec(8, 256) == PartitionSpec(("data", "fsdp"))


def test_large_parameters_are_split_along_their_longest_axis_that_divides():
    tree = {
        "kernel": jnp.zeros((3, 3, 64, 32)),
        "odd": jnp.zeros((3, 3, 1001, 8)),
        "bias": jnp.zeros(512),
        "step": jnp.zeros(()),
        "indivisible": jnp.zeros((71, 71)),
    }
    specs = {name: sharding.spec for name, sharding in parameter_sharding(MESH, tree).items()}
    assert specs["kernel"] == PartitionSpec(None, None, "fsdp")
    assert specs["odd"] == PartitionSpec(None, None, None, "fsdp")
    assert specs["bias"] == specs["step"] == specs["indivisible"] == PartitionSpec()


def test_without_fsdp_every_device_holds_all_parameters():
    mesh = AbstractMesh((4, 2, 1), AXES)
    assert parameter_sharding(mesh, jnp.zeros((64, 64, 64))) == replicated(mesh)


def test_a_batch_on_the_devices_is_the_batch():
    config = toy_config(**{"mesh.data": 1})
    batch = {"image": np.ones((4, 8, 8, 3), np.float32), "domain": np.arange(4, dtype=np.int32)}
    placed = put_batch(make_mesh(config), batch)
    jax.tree.map(np.testing.assert_array_equal, placed, batch)
    assert placed["image"].sharding.spec == PartitionSpec(("data", "fsdp"), "space")

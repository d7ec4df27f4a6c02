"""Convolutions come out right however a mesh splits the rows of their images."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# (data, space) of the mesh; rows of the image; window, stride and padding; channels in and out. In each of these the
# compiler's own way to split a convolution gives wrong values or gradients.
CASES = [
    ((4, 2), 2, (3, 1, 1), (1, 8)),
    ((4, 2), 2, (3, 1, 1), (8, 8)),
    ((4, 2), 4, (4, 2, 2), (3, 32)),
    ((2, 2), 6, (7, 1, 3), (8, 8)),
    ((2, 4), 28, (3, 2, 1), (3, 32)),
]

COMPARE = f"""
from functools import partial
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxsyn.layers import ConvTranspose, convolve
from tests.arrays import normal

def values_and_gradients(function, x, kernel):
    def run(x, kernel):
        y, pull_back = jax.vjp(function, x, kernel)
        return y, *pull_back(jnp.cos(y))
    return jax.jit(run)(x, kernel)

def transposed(x, kernel):
    return ConvTranspose(8, use_bias=False).apply({{"params": {{"transposed_kernel": kernel}}}}, x)

cases = [
    (mesh, rows, size, channels, partial(convolve, stride=stride, padding=padding))
    for mesh, rows, (size, stride, padding), channels in {CASES!r}
]
for (data, space), rows, size, channels, function in [*cases, ((4, 2), 2, 3, (8, 8), transposed)]:
    mesh = Mesh(np.asarray(jax.devices()[: data * space]).reshape(data, space), ("data", "space"))
    x, kernel = normal(8, rows, 4, channels[0]), normal(size, size, *channels, seed=1)
    placed = jax.device_put(x, NamedSharding(mesh, PartitionSpec("data", "space")))
    for one, many in zip(values_and_gradients(function, x, kernel), values_and_gradients(function, placed, kernel)):
        np.testing.assert_allclose(one, many, rtol=1e-4, atol=1e-4, err_msg=str((data, space, rows, size, channels)))
"""


def test_convolutions_of_few_rows_a_device_equal_those_on_one_device():
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    ended = subprocess.run(
        [sys.executable, "-c", COMPARE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]

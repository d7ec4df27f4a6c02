"""OASIS's U-Net; its numbers are held by tests/parity."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from jaxsyn.networks.segmentation_discriminator import DownBlock, SegmentationDiscriminator, UpBlock
from tests.arrays import normal


@pytest.mark.parametrize(("height", "width"), [(8, 16), (16, 8)])
def test_it_segments_at_full_size_with_one_class_more(height, width):
    network = SegmentationDiscriminator(num_classes=5, widths=(2, 3, 4), last_width=2)
    logits, variables = jax.eval_shape(
        network.init_with_output, jax.random.key(0), jax.ShapeDtypeStruct((2, height, width, 3), jnp.float32)
    )
    assert logits.shape == (2, height, width, 6)
    assert "spectral" not in variables.get("layer_up_last", {})
    assert "layer_up_last" not in variables["spectral"]


def test_a_skip_joins_the_maps_of_one_size():
    network = SegmentationDiscriminator(num_classes=5, widths=(2, 3, 4), last_width=2)
    variables = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    kernels = {name: block["conv1"]["kernel"].shape for name, block in variables["params"].items() if "conv1" in block}
    assert kernels["body_up_0"] == (3, 3, 4, 3)
    assert kernels["body_up_1"] == (3, 3, 3 + 3, 2)
    assert kernels["body_up_2"] == (3, 3, 2 + 2, 2)


@pytest.mark.parametrize(("block", "size"), [(DownBlock, 4), (UpBlock, 16)])
def test_the_shortcut_is_the_identity_where_the_width_stays(block, size):
    zero = nn.initializers.zeros
    same = block(3, spectral=False, kernel_init=zero)
    x = normal(1, 8, 8, 3)
    y, variables = same.init_with_output(jax.random.key(0), x)
    assert y.shape == (1, size, size, 3)
    assert "conv_s" not in variables["params"]
    assert float(jnp.abs(y.mean() - x.mean())) < 1e-5

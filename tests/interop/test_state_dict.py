import jax
import numpy as np
import pytest
from flax import linen as nn

from jaxsyn.errors import UserError
from jaxsyn.interop.state_dict import expected_shapes, from_state_dict, to_state_dict
from jaxsyn.layers.convolution import Conv, ConvTranspose, Dense
from jaxsyn.layers.normalization import BatchNorm


def numbers(*shape: int) -> np.ndarray:
    return np.random.RandomState(sum(shape)).standard_normal(shape).astype(np.float32)


def trees_equal(left: dict, right: dict) -> bool:
    same = jax.tree.map(lambda a, b: a.dtype == b.dtype and np.array_equal(a, b), left, right)
    return jax.tree.all(same)


EVERY_LAYOUT = {
    "params": {
        "conv": {"kernel": numbers(3, 2, 4, 5), "bias": numbers(5)},
        "up": {"transposed_kernel": numbers(4, 3, 5, 2)},
        "block": {"fc": {"kernel": numbers(6, 7)}, "norm": {"scale": numbers(5), "bias": numbers(5)}},
        "volume": {"kernel": numbers(3, 2, 4, 5, 6)},
        "line": {"kernel": numbers(3, 4, 5)},
        "codes": {"embedding": numbers(9, 4), "gain": numbers()},
        "experts": {"stacked_kernel": numbers(3, 4, 5), "stacked_bias": numbers(3, 5)},
    },
    "batch_stats": {
        "block": {"norm": {"mean": numbers(5), "var": numbers(5), "count": np.int32(3)}},
        "norm": {"mean": numbers(5), "var": numbers(5)},
    },
    "spectral": {
        "conv": {"u": numbers(5), "v": numbers(24)},
        "up": {"u": numbers(2), "v": numbers(60)},
        "block": {"fc": {"u": numbers(7), "v": numbers(6)}},
    },
}


def test_export_then_import_is_the_identity_for_every_layout() -> None:
    template = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), EVERY_LAYOUT)
    assert trees_equal(from_state_dict(to_state_dict(EVERY_LAYOUT), template), EVERY_LAYOUT)


def test_expected_shapes_are_those_of_the_exported_arrays() -> None:
    exported = {name: array.shape for name, array in to_state_dict(EVERY_LAYOUT).items()}
    assert expected_shapes(EVERY_LAYOUT) == exported


@pytest.mark.parametrize(
    ("leaf", "ours", "index", "theirs"),
    [
        ("kernel", (3, 2, 4, 5), (2, 1, 3, 4), (4, 3, 2, 1)),
        ("transposed_kernel", (3, 2, 4, 5), (2, 1, 3, 4), (3, 4, 2, 1)),
        ("kernel", (6, 7), (5, 2), (2, 5)),
        ("kernel", (3, 4, 5), (2, 1, 4), (4, 1, 2)),
        ("kernel", (2, 3, 4, 5, 6), (1, 2, 3, 4, 5), (5, 4, 1, 2, 3)),
    ],
)
def test_a_kernel_value_lands_where_the_reference_keeps_it(
    leaf: str, ours: tuple[int, ...], index: tuple[int, ...], theirs: tuple[int, ...]
) -> None:
    kernel = np.zeros(ours, np.float32)
    kernel[index] = 1
    weight = to_state_dict({"params": {"layer": {leaf: kernel}}})["layer.weight"]
    assert weight[theirs] == 1
    assert weight.sum() == 1


@pytest.mark.parametrize("leaf", ["kernel", "transposed_kernel"])
def test_a_spectral_vector_keeps_the_sigma_of_the_reference_matrix(leaf: str) -> None:
    kernel, u, v = numbers(3, 2, 4, 5), numbers(5), numbers(24)
    state = to_state_dict({"params": {"c": {leaf: kernel}}, "spectral": {"c": {"u": u, "v": v}}})
    weight = state["c.weight_orig"]
    matrix = (weight if leaf == "kernel" else weight.swapaxes(0, 1)).reshape(5, -1)
    ours = v @ kernel.reshape(24, 5) @ u
    assert state["c.weight_u"] @ matrix @ state["c.weight_v"] == pytest.approx(ours, rel=1e-5)
    assert not np.array_equal(state["c.weight_v"], v)


def test_a_stack_is_as_many_layers_numbered_from_zero() -> None:
    kernels, biases = numbers(3, 4, 5), numbers(3, 5)
    rules = ((r"fc\.(\d+)\.", r"fc\1."),)
    state = to_state_dict({"params": {"block": {"fc": {"stacked_kernel": kernels, "stacked_bias": biases}}}}, rules)
    assert sorted(state) == sorted(f"block.fc{k}.{leaf}" for k in range(3) for leaf in ("weight", "bias"))
    for k in range(3):
        np.testing.assert_array_equal(state[f"block.fc{k}.weight"], kernels[k].T)
        np.testing.assert_array_equal(state[f"block.fc{k}.bias"], biases[k])


def test_a_missing_layer_of_a_stack_is_named() -> None:
    stack = {"params": {"fc": {"stacked_bias": numbers(3, 5)}}}
    state = to_state_dict(stack)
    del state["fc.1.bias"]
    with pytest.raises(UserError, match=r"1 missing \(fc\.1\.bias \[5\]\)"):
        from_state_dict(state, stack)


def test_running_statistics_take_the_reference_names_and_a_64_bit_count() -> None:
    state = to_state_dict({"batch_stats": {"n": {"mean": numbers(2), "var": numbers(2), "count": np.int32(7)}}})
    assert list(state) == ["n.running_mean", "n.running_var", "n.num_batches_tracked"]
    assert state["n.num_batches_tracked"].dtype == np.int64
    assert state["n.num_batches_tracked"] == 7


def test_rules_apply_in_order_to_the_whole_name() -> None:
    rules = ((r"^block_(\d+)\.", r"blocks.\1."), (r"weight$", "weight_bar"), (r"^blocks\.1\.", "last."))
    state = to_state_dict({"params": {"block_0": {"kernel": numbers(2, 3)}, "block_1": {"bias": numbers(3)}}}, rules)
    assert list(state) == ["blocks.0.weight_bar", "last.bias"]


def test_rules_that_give_two_leaves_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="both named"):
        to_state_dict({"params": {"a": {"bias": numbers(1)}, "b": {"bias": numbers(1)}}}, (("^[ab]", "c"),))


CONV = {"params": {"c": {"kernel": numbers(3, 3, 2, 4), "bias": numbers(4)}}}


def test_missing_unexpected_and_misshaped_entries_are_named_with_their_shapes() -> None:
    state = {"c.weight": numbers(4, 3, 3, 3), "d.bias": numbers(6)}
    with pytest.raises(UserError) as error:
        from_state_dict(state, CONV, source="G.pth")
    text = str(error.value)
    assert "G.pth" in text
    assert "\n" not in text
    assert "1 missing (c.bias [4])" in text
    assert "1 unexpected (d.bias [6])" in text
    assert "c.weight: expected [4, 2, 3, 3], found [4, 3, 3, 3]" in text


def test_only_the_first_few_of_many_faults_are_listed() -> None:
    state = to_state_dict(CONV) | {f"extra.{index}": numbers(1) for index in range(40)}
    with pytest.raises(UserError, match=r"40 unexpected \(extra\.0.*extra\.4 \[1\], \.\.\.\)") as error:
        from_state_dict(state, CONV)
    assert "extra.5" not in str(error.value)


def test_the_prefix_of_data_parallel_is_dropped() -> None:
    state = {f"module.{name}": array for name, array in to_state_dict(CONV).items()}
    assert trees_equal(from_state_dict(state, CONV), CONV)


def test_a_network_that_has_a_module_of_that_name_keeps_it() -> None:
    variables = {"params": {"module": {"bias": numbers(2)}}}
    assert trees_equal(from_state_dict(to_state_dict(variables), variables), variables)


def test_a_count_that_we_do_not_keep_is_ignored_and_one_that_they_lack_is_zero() -> None:
    norm = {"mean": numbers(2), "var": numbers(2)}
    state = to_state_dict({"batch_stats": {"n": norm}})
    from_state_dict(state | {"n.num_batches_tracked": np.int64(4)}, {"batch_stats": {"n": norm}})
    counted = from_state_dict(state, {"batch_stats": {"n": norm | {"count": np.int32(9)}}})
    assert counted["batch_stats"]["n"]["count"] == 0


class Small(nn.Module):
    """Every kind of layer once: [B, H, W, 3] -> [B, 7]."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = Conv(4, 3, spectral=True, name="0")(x)
        x = BatchNorm(affine=True, name="1")(x)
        x = ConvTranspose(6, 4, stride=2, padding=1, output_padding=0, spectral=True, name="2")(x)
        x = Conv(6, 3, groups=3, name="3")(x)
        return Dense(7, spectral=True, name="4")(x.mean((1, 2)))


def test_a_torch_network_computes_the_same_after_import_and_gets_its_own_state_dict_back() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    spectral = torch.nn.utils.spectral_norm
    theirs = torch.nn.ModuleDict(
        {
            "0": spectral(torch.nn.Conv2d(3, 4, 3, padding=1)),
            "1": torch.nn.BatchNorm2d(4),
            "2": spectral(torch.nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1)),
            "3": torch.nn.Conv2d(6, 6, 3, padding=1, groups=3),
            "4": spectral(torch.nn.Linear(6, 7)),
        }
    )

    def apply(images: "torch.Tensor") -> "torch.Tensor":
        x = theirs["3"](theirs["2"](theirs["1"](theirs["0"](images))))
        return theirs["4"](x.mean((2, 3)))

    images = numbers(2, 8, 6, 3)
    batch = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    apply(batch)
    theirs.eval()
    with torch.no_grad():
        reference = apply(batch).numpy()
    state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}

    network = Small()
    template = jax.eval_shape(network.init, jax.random.key(0), images)
    variables = from_state_dict(state, template)
    with jax.default_matmul_precision("highest"):
        ours = network.apply(variables, images)
    np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=1e-6)
    exported = to_state_dict(variables)
    assert exported.keys() == state.keys()
    assert trees_equal(exported, state)

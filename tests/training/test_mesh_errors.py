"""A mesh that does not fit is an error that says which would."""

import dataclasses
import re

import jax
import pytest

from jaxsyn.errors import UserError
from jaxsyn.training.mesh import AXES, make_mesh
from jaxsyn.training.sharding import process_share
from tests.training.toy import toy_config


@dataclasses.dataclass(frozen=True, eq=False)
class Chip:
    """What of a device decides where it goes."""

    id: int
    process_index: int


def chips(processes, each):
    return [Chip(process * each + i, process) for process in range(processes) for i in range(each)]


def fitting(options, devices):
    """What the error says would fit, each as options."""
    with pytest.raises(UserError) as raised:
        make_mesh(toy_config(**options), devices)
    message = str(raised.value)
    assert "\n" not in message
    return message, [
        {key: int(value) for key, value in re.findall(r"(mesh\.\w+)=(\d+)", part)}
        for part in re.split(r", or (?=mesh)", message)[1:]
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"mesh.data": 64},
        {"mesh.data": 3},
        {"mesh.data": 5, "mesh.space": 2},
        {"mesh.data": -1, "batch_size": 6},
        {"mesh.data": 1, "mesh.space": 8, "data.height": 12},
        {"mesh.data": -1, "mesh.fsdp": 3},
    ],
)
def test_what_the_error_says_would_fit_does(options):
    _, settings = fitting(options, chips(1, 8))
    assert settings
    for setting in settings:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                "jaxsyn.training.mesh.Mesh", lambda devices, axes: dict(zip(axes, devices.shape, strict=True))
            )
            sizes = make_mesh(toy_config(**options | setting), chips(1, 8))
        assert {f"mesh.{axis}": sizes[axis] for axis in AXES}.items() >= setting.items()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mesh.data": 4, "batch_size": 6}, "set batch_size to 4 or 8"),
        ({"mesh.data": 8}, "set batch_size to 8"),
        ({"mesh.data": 1, "mesh.space": 8, "data.height": 20}, "set data.height to 16 or 24"),
    ],
)
def test_the_next_sizes_that_divide_are_named(options, told):
    assert told in fitting(options, chips(1, 8))[0]


def test_of_several_processes_none_is_left_without_a_device():
    message, settings = fitting({"mesh.data": 2, "batch_size": 8}, chips(2, 4))
    assert "leave some of the 2 processes without a device: use all 8" in message
    assert settings == [{"mesh.data": 8}, {"mesh.space": 4}, {"mesh.fsdp": 4}]


def test_the_devices_of_a_process_lie_together_whatever_their_numbers(monkeypatch):
    # As those of a v5e pod: a process holds two by two of a grid that is numbered row by row.
    grid = [Chip(row * 4 + column, row // 2 * 2 + column // 2) for row in range(4) for column in range(4)]
    monkeypatch.setattr("jaxsyn.training.mesh.Mesh", lambda devices, axes: devices)
    made = make_mesh(toy_config(batch_size=16), grid)
    assert [chip.process_index for chip in made.flat] == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4


@pytest.mark.parametrize(
    ("sizes", "processes", "each", "shares"),
    [
        ({"data": 8}, 2, 4, [(0, 2), (1, 2)]),
        ({"data": 4, "space": 2}, 2, 4, [(0, 2), (1, 2)]),
        ({"data": 4, "fsdp": 2}, 4, 2, [(0, 4), (1, 4), (2, 4), (3, 4)]),
        ({"data": 1, "space": 8}, 2, 4, [(0, 1), (0, 1)]),
        ({"data": 2, "space": 4}, 4, 2, [(0, 2), (0, 2), (1, 2), (1, 2)]),
        ({"data": 1, "space": 2, "fsdp": 4}, 4, 2, [(0, 2), (1, 2), (0, 2), (1, 2)]),
    ],
)
def test_processes_that_hold_parts_of_the_same_images_read_the_same_piece(monkeypatch, sizes, processes, each, shares):
    made = make_fake(monkeypatch, sizes, chips(processes, each))
    for index, (piece, pieces) in enumerate(shares):
        monkeypatch.setattr(jax, "process_index", lambda index=index: index)
        process_share.cache_clear()
        assert process_share(made) == {"process_index": piece, "process_count": pieces}


def test_scattered_pieces_are_an_error_that_says_what_to_set(monkeypatch):
    # A process's three devices end in the middle of a group of four.
    made = make_fake(monkeypatch, {"data": 3, "space": 2, "fsdp": 2}, chips(4, 3))
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    process_share.cache_clear()
    with pytest.raises(UserError, match=r"process 1 would hold scattered pieces .*: make mesh\.space \* mesh\.fsdp"):
        process_share(made)


def make_fake(monkeypatch, sizes, devices):
    @dataclasses.dataclass(frozen=True, eq=False)
    class Fake:
        devices: object

        @property
        def shape(self):
            return dict(zip(AXES, self.devices.shape, strict=True))

    monkeypatch.setattr("jaxsyn.training.mesh.Mesh", lambda devices, _: Fake(devices))
    options = {f"mesh.{axis}": sizes.get(axis, 1) for axis in AXES}
    return make_mesh(toy_config(batch_size=24, **options), devices)

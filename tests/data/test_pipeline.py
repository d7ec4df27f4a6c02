"""Batches of the grain pipeline."""

import numpy as np
import pytest

from jaxsyn.data import device_batches, eval_batches, train_batches
from jaxsyn.errors import UserError
from tests.data.batches import assert_same, take


@pytest.fixture
def cropped(config):
    """A config whose records depend on random crops and flips."""
    config.data.update(preprocess="resize_and_crop", height=8, width=8, load_size=16)
    return config


def test_a_training_batch_has_the_documented_form(cropped):
    (batch,) = take(train_batches(cropped), 1)
    assert {key: (value.shape, value.dtype) for key, value in batch.items()} == {
        "image": ((4, 8, 8, 3), np.float32),
        "label": ((4, 8, 8), np.int32),
        "instance": ((4, 8, 8), np.int32),
        "domain": ((4,), np.int32),
    }
    assert -1 <= batch["image"].min() < -0.5 < 0.5 < batch["image"].max() <= 1


def test_instances_are_left_out_when_not_asked_for(cropped):
    cropped.data.use_instance = False
    assert "instance" not in take(train_batches(cropped), 1)[0]


def test_the_step_is_the_whole_state_of_the_pipeline(cropped):
    assert_same(take(train_batches(cropped), 9)[5:], take(train_batches(cropped, start_step=5), 4))


def test_worker_processes_change_nothing(cropped):
    expected = take(train_batches(cropped, start_step=2), 4)
    cropped.data.num_workers = 2
    assert_same(take(train_batches(cropped, start_step=2), 4), expected)


@pytest.mark.parametrize("count", [2, 4])
def test_the_shares_of_all_processes_are_the_global_batch(cropped, count):
    whole = take(train_batches(cropped, start_step=1), 3)
    shares = [take(train_batches(cropped, start_step=1, process_index=i, process_count=count), 3) for i in range(count)]
    joined = [
        {key: np.concatenate([share[key] for share in step]) for key in step[0]} for step in zip(*shares, strict=True)
    ]
    assert_same(joined, whole)


def test_an_epoch_shows_every_record_once_and_the_next_in_another_order(config):
    config.data.flip = False
    config.batch_size = 6
    epochs = [[image.tobytes() for image in batch["image"]] for batch in take(train_batches(config), 3)]
    assert all(len(set(epoch)) == 6 for epoch in epochs)
    assert set(epochs[0]) == set(epochs[1]) == set(epochs[2])
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_a_record_is_cropped_anew_in_every_epoch(cropped):
    cropped.batch_size = 6
    batches = take(train_batches(cropped), 3)
    pictures = {image.tobytes() for batch in batches for image in batch["image"]}
    assert len(pictures) > 12


def test_another_seed_gives_other_batches(cropped):
    first = take(train_batches(cropped), 1)[0]
    cropped.seed += 1
    assert not np.array_equal(first["image"], take(train_batches(cropped), 1)[0]["image"])


def test_evaluation_is_in_order_whole_and_masked(config):
    batches = list(eval_batches(config, batch_size=2))
    assert [batch["name"].tolist() for batch in batches] == [["view8", "view9"], ["view10", "view10"]]
    assert [batch["mask"].tolist() for batch in batches] == [[True, True], [True, False]]
    assert batches[1]["image"].shape == (2, 12, 20, 3)


def test_evaluation_shows_the_same_pixels_every_time(cropped):
    assert_same(list(eval_batches(cropped, batch_size=2)), list(eval_batches(cropped, batch_size=2)))


def test_evaluation_can_be_limited_and_can_read_the_training_split(config):
    batches = list(eval_batches(config, "train", batch_size=4, limit=5))
    assert sum(int(batch["mask"].sum()) for batch in batches) == 5
    assert batches[1]["name"].tolist() == ["view12"] * 4


def test_the_evaluation_of_all_processes_covers_each_record_once(config):
    shares = [list(eval_batches(config, "train", batch_size=4, process_index=i, process_count=2)) for i in range(2)]
    assert len(shares[0]) == len(shares[1]) == 2
    seen = [name for share in shares for batch in share for name in batch["name"][batch["mask"]]]
    assert sorted(seen) == sorted(["view8", "view9", "view10", "view11", "view12", "view13"])


@pytest.mark.parametrize("batch_size", [0, 3])
def test_a_batch_that_does_not_divide_over_the_processes_is_an_error(config, batch_size):
    config.batch_size = batch_size
    with pytest.raises(UserError, match=f"batch_size={batch_size}"):
        train_batches(config, process_count=2)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_bad_record_met_in_training_is_the_same_one_line_error(cropped, spade_folders, save, num_workers):
    save(spade_folders / "train_label" / "view11.png", np.full((12, 20), 77, np.uint8))
    cropped.data.num_workers = num_workers
    with pytest.raises(UserError, match=r"view11\.png: label id 77 outside the 5 classes"):
        take(train_batches(cropped), 3)


def test_device_batches_are_put_ahead_of_their_use():
    put = []

    def place(batch):
        put.append(batch)
        return -batch

    placed = device_batches(iter(range(1, 6)), place)
    assert next(placed) == -1
    assert put == [1, 2, 3]
    assert list(placed) == [-2, -3, -4, -5]
    assert put == [1, 2, 3, 4, 5]

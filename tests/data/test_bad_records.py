"""Records that cannot be read: an error, or left out of training."""

import numpy as np
import pytest

from jaxsyn.data import check_source, eval_batches, train_batches
from jaxsyn.data.bad_records import SkippedRecords, Tolerance, sound_record, tolerance
from jaxsyn.errors import UserError
from tests.data.batches import assert_same, take


@pytest.fixture
def spoilt(config, spade_folders, save):
    """Six training pairs of which view9 holds an id outside the classes and view11 is truncated; half may be bad."""
    save(spade_folders / "train_label" / "view9.png", np.full((12, 20), 77, np.uint8))
    path = spade_folders / "train_img" / "view11.png"
    path.write_bytes(path.read_bytes()[:300])
    config.data.update(on_bad_record="skip", max_bad_share=0.5)
    return config


def test_bad_records_are_told_once_by_file_and_reason_and_counted(spoilt, capsys):
    skipped = SkippedRecords()
    batches = take(train_batches(spoilt, skipped=skipped), 6)
    assert batches[0].keys() == {"image", "label", "instance", "domain"}
    assert len(skipped) == 2
    printed = capsys.readouterr().err
    assert printed.count("train_label/view9.png: label id 77 outside the 5 classes") == 1
    assert printed.count("train_img/view11.png: truncated or unreadable image of 300 bytes") == 1
    assert "skipped bad record 2 of 6: " in printed


def test_only_sound_records_take_the_places(spoilt):
    spoilt.data.flip = False
    pictures = {image.tobytes() for batch in take(train_batches(spoilt), 12) for image in batch["image"]}
    assert len(pictures) == 4


def test_batches_stay_a_function_of_seed_and_step_whatever_the_workers_and_processes(spoilt):
    expected = take(train_batches(spoilt), 6)
    assert_same(take(train_batches(spoilt, start_step=3), 3), expected[3:])
    shares = [take(train_batches(spoilt, process_index=i, process_count=2), 2) for i in range(2)]
    joined = [{key: np.concatenate([a[key], b[key]]) for key in a} for a, b in zip(*shares, strict=True)]
    assert_same(joined, expected[:2])
    spoilt.data.num_workers = 1
    skipped = SkippedRecords()
    assert_same(take(train_batches(spoilt, skipped=skipped), 6), expected)
    assert len(skipped) == 2


def test_skipping_changes_no_batch_of_a_sound_set(config):
    expected = take(train_batches(config), 3)
    config.data.on_bad_record = "skip"
    assert_same(take(train_batches(config), 3), expected)


def test_a_bad_record_in_another_one_s_place_is_told_too():
    def make(index):
        if index < 9:
            raise UserError(f"record {index}")
        return {"index": index}

    record = sound_record(make, 0, 10, np.random.default_rng(0))
    skipped = record["skipped"].splitlines()
    assert record["index"] == 9
    assert len(skipped) > 1
    assert skipped[0] == "record 0"


def test_a_set_of_nothing_but_bad_records_ends():
    def make(index):
        raise UserError("bad")

    with pytest.raises(UserError, match="bad records and no other"):
        sound_record(make, 0, 10, np.random.default_rng(0))


def test_training_stops_where_more_than_the_share_is_bad(spoilt):
    spoilt.data.max_bad_share = 0.2
    with pytest.raises(UserError, match=r"2 of 6 records are bad, more than data\.max_bad_share=0\.2: mend them"):
        take(train_batches(spoilt), 6)


def test_the_check_before_training_tells_what_will_be_skipped_and_stops_at_the_share(spoilt, capsys):
    check_source(spoilt.data)
    printed = capsys.readouterr().out
    assert "skipping: " in printed
    assert "skipping 2 bad records of 6" in printed
    spoilt.data.max_bad_share = 0.2
    with pytest.raises(UserError, match="2 of 6 records are bad"):
        check_source(spoilt.data)


def test_a_file_without_partner_is_left_out(config, spade_folders, capsys):
    (spade_folders / "train_label" / "view12.png").unlink()
    config.data.update(on_bad_record="skip", max_bad_share=0.3)
    check_source(config.data)
    assert "view12.png: image without label map" in capsys.readouterr().out
    assert len(take(train_batches(config), 2)) == 2
    config.data.on_bad_record = "error"
    with pytest.raises(UserError, match=r"view12\.png: image without label map.*and 1 more"):
        train_batches(config)


def test_both_sides_of_an_unpaired_set_skip_their_own(config, tmp_path, save):
    for side, count in (("A", 4), ("B", 5)):
        for i in range(count):
            save(tmp_path / "two" / f"train{side}" / f"{i}.png", np.full((12, 20, 3), 40 * (side == "B"), np.uint8))
        (tmp_path / "two" / f"train{side}" / "0.png").write_bytes(b"")
    config.data.update(name="two_folders", root=str(tmp_path / "two"), pairing="unpaired", use_instance=False)
    config.data.update(on_bad_record="skip", max_bad_share=0.5)
    skipped = SkippedRecords()
    batches = take(train_batches(config, skipped=skipped), 8)
    assert len(skipped) == 2
    assert all((batch["source"] == -1).all() and (batch["image"] > -1).all() for batch in batches)


def test_evaluation_never_skips(spoilt, spade_folders):
    (spade_folders / "val_img" / "view9.png").write_bytes(b"")
    for measure in (lambda: check_source(spoilt.data, "val"), lambda: list(eval_batches(spoilt, batch_size=3))):
        with pytest.raises(UserError, match=r"val_img/view9\.png: truncated or unreadable"):
            measure()
    (spade_folders / "val_img" / "view9.png").unlink()
    with pytest.raises(UserError, match=r"val_label/view9\.png: label map without image"):
        eval_batches(spoilt, batch_size=3)


@pytest.mark.parametrize(("key", "value"), [("on_bad_record", "ignore"), ("max_bad_share", 1.5)])
def test_a_policy_that_makes_no_sense_is_an_error(data, key, value):
    data[key] = value
    with pytest.raises(UserError, match=f"data.{key}={value}"):
        check_source(data)


def test_the_default_bears_no_bad_record(data):
    assert tolerance(data, "train") == Tolerance(skip=False, max_share=0.01)

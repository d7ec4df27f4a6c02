"""SPADE's preprocessing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jaxsyn.data.label_ids import ClassMapper, LabelIds
from jaxsyn.data.transforms import MODES, Preprocess, resize_ids, resize_image, to_batch_form
from jaxsyn.errors import UserError


def located(height, width):
    """A record whose pixels say where they came from: label = row, instance = 1000 * row + column."""
    rows, columns = np.mgrid[:height, :width]
    return {
        "image": np.stack([rows, columns, rows], axis=-1).astype(np.uint8),
        "label": rows.astype(np.uint8),
        "instance": (1000 * rows + columns).astype(np.int32),
        "name": "located",
    }


@pytest.mark.parametrize(
    ("mode", "size", "load_size", "expected"),
    [
        ("resize_and_crop", (40, 90), 70, (70, 70)),
        ("crop", (80, 90), 0, (80, 90)),
        ("scale_width", (32, 128), 256, (64, 256)),
        ("scale_width_and_crop", (100, 301), 250, (int(250 * 100 / 301), 250)),
        ("scale_shortside", (64, 101), 64, (64, 101)),
        ("scale_shortside_and_crop", (300, 200), 100, (150, 100)),
        ("scale_shortside_and_crop", (200, 333), 100, (100, 166)),
        ("fixed", (17, 19), 0, None),
        ("none", (65, 47), 0, (64, 32)),
    ],
)
def test_each_mode_resizes_as_the_paper_s_loader(mode, size, load_size, expected):
    target = expected if expected and "crop" not in mode else (64, 64)
    resized = Preprocess(mode, *target, load_size, False).resized_size(*size, "x")
    assert resized == (expected or target)


def test_scale_shortside_makes_the_short_side_the_load_size():
    assert Preprocess("scale_shortside", 100, 166, 100, False).resized_size(200, 333, "x") == (100, 166)


def test_a_rectangle_keeps_its_aspect_ratio_before_the_crop():
    assert Preprocess("resize_and_crop", 128, 256, 286, False).resized_size(500, 375, "x") == (143, 286)


@pytest.mark.parametrize(
    ("size", "target", "rows", "columns"),
    [((218, 178), (178, 178), (20, 198), (0, 178)), ((30, 50), (20, 10), (0, 30), (18, 33))],
)
def test_the_largest_part_in_the_middle_is_resized_in_training_and_evaluation_alike(size, target, rows, columns):
    record, geometry = located(*size), Preprocess("centre_crop_and_resize", *target, 0, False)
    expected = resize_image(record["image"][slice(*rows), slice(*columns)], target)
    for seen in (geometry.random(record, np.random.default_rng(0)), geometry.centre(record)):
        np.testing.assert_array_equal(seen["image"], expected)
        assert seen["label"].shape == target


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["resize_and_crop", "crop", "scale_width_and_crop", "scale_shortside_and_crop", "fixed"]),
    st.integers(20, 60),
    st.integers(20, 60),
    st.integers(20, 45),
    st.integers(0, 2**32 - 1),
)
def test_image_label_and_instance_share_one_geometry(mode, height, width, load_size, seed):
    preprocess = Preprocess(mode, 16, 20, load_size, True)
    try:
        out = preprocess.random(located(height, width), np.random.default_rng(seed))
    except UserError:
        return
    assert out["image"].shape == (16, 20, 3)
    np.testing.assert_array_equal(out["instance"] // 1000, out["label"])
    columns = out["instance"] % 1000
    # Bicubic and nearest agree to within a pixel of the source where both shrink or enlarge a ramp.
    stretch = 2 * max(1, height / 16, width / 20)
    inside = (slice(2, -2), slice(2, -2))
    assert np.abs(out["image"][..., 0].astype(int) - out["label"])[inside].max() <= stretch
    assert np.abs(out["image"][..., 1].astype(int) - columns)[inside].max() <= stretch


def test_the_crop_reaches_every_offset_and_never_leaves_the_picture():
    preprocess = Preprocess("scale_shortside_and_crop", 8, 8, 10, False)
    offsets = set()
    for seed in range(200):
        corner = preprocess.random(located(10, 12), np.random.default_rng(seed))["instance"][0, 0]
        offsets.add(divmod(int(corner), 1000))
    assert offsets == {(row, column) for row in range(3) for column in range(5)}


def test_half_of_the_pictures_are_mirrored_and_all_of_a_record_with_them():
    preprocess = Preprocess("fixed", 6, 9, 0, True)
    mirrored = 0
    for seed in range(400):
        out = preprocess.random(located(6, 9), np.random.default_rng(seed))
        flipped = bool(out["instance"][0, 0] == 8)
        mirrored += flipped
        assert (out["image"][0, 0, 1] == 8) == flipped
    assert 160 < mirrored < 240


def test_without_flip_nothing_is_mirrored():
    preprocess = Preprocess("fixed", 6, 9, 0, False)
    assert all(
        preprocess.random(located(6, 9), np.random.default_rng(seed))["instance"][0, 0] == 0 for seed in range(50)
    )


@pytest.mark.parametrize("mode", [mode for mode in MODES if "crop" in mode])
@pytest.mark.parametrize("size", [(300, 200), (200, 300), (250, 250)])
def test_evaluation_takes_the_centre_and_nothing_random(mode, size):
    record = located(*size)
    out = Preprocess(mode, 64, 64, 100, True).centre(record)
    middle = out["instance"][31:33, 31:33]
    assert abs(np.mean(middle // 1000) - size[0] / 2) <= 3
    assert abs(np.mean(middle % 1000) - size[1] / 2) <= 3


def test_evaluation_of_resize_and_crop_shows_the_whole_picture():
    out = Preprocess("resize_and_crop", 64, 64, 72, True).centre(located(128, 128))
    assert (out["label"][0, 0], out["label"][-1, -1]) == (1, 127)


@pytest.mark.parametrize(
    ("mode", "size", "load_size"),
    [
        ("crop", (60, 100), 0),
        ("scale_width", (64, 65), 64),
        ("scale_width_and_crop", (50, 200), 100),
        ("scale_shortside_and_crop", (100, 100), 63),
        ("resize_and_crop", (100, 100), 32),
        ("none", (100, 100), 0),
    ],
)
def test_a_picture_that_does_not_come_out_at_the_size_is_an_error(mode, size, load_size):
    with pytest.raises(UserError) as error:
        Preprocess(mode, 64, 64, load_size, False).resized_size(*size, "photos/a.jpg")
    for part in ("photos/a.jpg", f"{size[1]}x{size[0]}", "64x64", f"data.preprocess={mode}", "data.preprocess=fixed"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_mode_is_an_error_that_lists_the_modes():
    with pytest.raises(UserError, match=r"data\.preprocess=stretch.*scale_width_and_crop"):
        Preprocess("stretch", 8, 8, 8, False).resized_size(8, 8, "x")


@given(st.integers(1, 40), st.integers(1, 40))
def test_ids_are_resized_by_pillow_s_nearest_rule(before, after):
    taken = resize_ids(np.arange(before, dtype=np.int32)[None], (1, after))[0]
    centres = (np.arange(after) + 0.5) * before / after
    # On the border of two pixels Pillow takes either: it adds up the step in floating point.
    np.testing.assert_array_less(np.floor(centres - 1e-6) - 0.5, taken)
    np.testing.assert_array_less(taken, np.floor(centres + 1e-6) + 0.5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_resizing_ids_keeps_their_type_and_values(dtype):
    ids = np.array([[0, 200], [255, 7]], dtype)
    out = resize_ids(ids, (4, 4))
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, ids.repeat(2, 0).repeat(2, 1))


def test_images_shrink_by_pillow_s_widened_bicubic_filter():
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((11, 13), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(resize_image(image, (13, 11)), expected)


def test_the_batch_form_is_float32_from_minus_one_to_one_and_int32():
    batch = to_batch_form(
        {"image": np.array([[[[0, 51, 255]]]], np.uint8), "label": np.array([[[3]]], np.uint8), "name": np.array(["a"])}
    )
    np.testing.assert_array_equal(batch["image"], np.float32([[[[-1, -0.6, 1]]]]))
    assert (batch["image"].dtype, batch["label"].dtype) == (np.float32, np.int32)
    assert batch["name"].tolist() == ["a"]


def test_label_maps_agree_with_the_reference_case(golden):
    header, arrays = golden("label_maps")
    for name, source, ids in (
        ("spade_coco", "coco", LabelIds(182, 255)),
        ("spade_ade_as_run", "ade", LabelIds(150, ade20k_order="raw")),
        ("spade_ade_as_meant", "ade", LabelIds(150, ade20k_order="shifted")),
        ("spade_cityscapes_semantics_argmax", "cityscapes", LabelIds(35)),
    ):
        np.testing.assert_array_equal(ClassMapper(ids)(arrays[f"in/{source}"], name), arrays[f"out/{name}"])
    for name in ("cityscapes", "coco"):
        resized = resize_ids(arrays[f"in/{name}"], tuple(header["config"]["size"]))
        np.testing.assert_array_equal(resized, arrays[f"out/pillow_nearest_{name}"])


def test_nearest_resizing_agrees_with_the_reference_case(golden):
    header, arrays = golden("resize")
    for height, width in header["config"]["sizes"]:
        step = -(-height // 24)
        for image, expected in zip(arrays["in/image"], arrays[f"out/pil_nearest_{height}x{width}"], strict=True):
            for plane, reference in zip(image, expected, strict=True):
                resized = resize_ids(plane, (height, width))[::step, ::step]
                np.testing.assert_array_equal(resized, reference)

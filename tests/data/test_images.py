"""Reading files, good and bad."""

import numpy as np
import pytest
from PIL import Image

from jaxsyn.data.images import read_header, read_id_map, read_image
from jaxsyn.errors import UserError


def assert_one_line(error: pytest.ExceptionInfo, *parts: str) -> None:
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_sixteen_bit_ids_are_read_exactly(tmp_path, save):
    ids = np.array([[0, 26000, 33001], [65535, 255, 256]], np.uint16)
    np.testing.assert_array_equal(read_id_map(save(tmp_path / "a.png", ids), "instance map"), ids)


def test_a_bilevel_label_map_holds_zero_and_one(tmp_path):
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1").save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_id_map(tmp_path / "a.png", "label map"), [[0, 1], [1, 0]])


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_a_photograph_of_any_8_bit_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, (4, 3)).save(path)
    image = read_image(path)
    assert image.shape == (3, 4, 3)
    assert image.dtype == np.uint8


def test_a_sixteen_bit_photograph_keeps_its_upper_eight_bits(tmp_path, save):
    path = save(tmp_path / "a.png", np.array([[0, 255, 256, 1000, 65535]], np.uint16))
    assert read_image(path)[..., 0].tolist() == [[0, 0, 1, 3, 255]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
@pytest.mark.parametrize("kind", ["label map", "instance map"])
def test_a_colour_coded_map_is_an_error_that_names_its_mode(tmp_path, mode, kind):
    Image.new(mode, (4, 3)).save(tmp_path / "a.png")
    with pytest.raises(UserError) as error:
        read_id_map(tmp_path / "a.png", kind)
    assert_one_line(error, str(tmp_path / "a.png"), kind, f"mode {mode}", "single-channel PNG")


def test_a_palette_map_needs_the_option_and_then_gives_its_indices(tmp_path):
    ids = np.array([[0, 3], [7, 3]], np.uint8)
    picture = Image.fromarray(ids, "P")
    picture.putpalette([200, 10, 10] * 256)
    picture.save(tmp_path / "a.png")
    with pytest.raises(UserError) as error:
        read_id_map(tmp_path / "a.png", "label map")
    assert_one_line(error, "a.png", "palette", "data.palette_labels=True")
    np.testing.assert_array_equal(read_id_map(tmp_path / "a.png", "label map", palette=True), ids)


def test_a_jpeg_label_map_is_an_error_because_its_ids_are_not_exact(tmp_path, save):
    path = save(tmp_path / "a.jpg", np.zeros((8, 8), np.uint8))
    with pytest.raises(UserError) as error:
        read_id_map(path, "label map")
    assert_one_line(error, str(path), "JPEG")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path, save, name):
    path = save(tmp_path / name, np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert read_header(path).width == 40
    with pytest.raises(UserError) as error:
        read_image(path)
    assert_one_line(error, str(path), f"{len(content) // 2} bytes", "replace the file")


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_file_that_is_no_picture_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError) as error:
        read_header(tmp_path / "a.png")
    assert_one_line(error, str(tmp_path / "a.png"), f"{len(content)} bytes", "replace the file")


def test_a_photograph_is_turned_upright_where_that_is_asked_for(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8, 0] = 255
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = 6  # the camera was turned: what is stored on the left belongs at the top
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert read_header(tmp_path / "a.jpg").orientation == 6
    assert read_header(tmp_path / "a.jpg").upright().size == (16, 8)
    assert read_image(tmp_path / "a.jpg").shape == (8, 16, 3)
    upright = read_image(tmp_path / "a.jpg", upright=True)
    assert upright.shape == (16, 8, 3)
    assert upright[:6, :, 0].min() > 200 > 50 > upright[10:, :, 0].max()

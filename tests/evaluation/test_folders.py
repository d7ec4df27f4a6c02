import numpy as np
import pytest
from PIL import Image

from jaxsyn.errors import UserError
from jaxsyn.evaluation.folders import ImageFolder, require_pairs


def picture(mode="RGB", size=(16, 12), seed=0):
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], bands)).astype(np.uint8)
    return Image.fromarray(pixels.squeeze(-1) if bands == 1 else pixels, mode)


@pytest.fixture
def root(tmp_path):
    for index in range(5):
        picture(seed=index).save(tmp_path / f"{index}.png")
    return tmp_path


def test_the_last_batch_is_filled_up_and_masked(root):
    batches = list(ImageFolder(root).batches(2))
    assert [batch.images.shape for batch in batches] == [(2, 12, 16, 3)] * 3
    np.testing.assert_array_equal(batches[-1].mask, [True, False])
    np.testing.assert_array_equal(batches[-1].images[1], 0)
    np.testing.assert_array_equal(batches[0].images[1], np.asarray(picture(seed=1)))


def test_images_in_folders_below_are_found_and_named_by_their_path(root):
    (root / "deep").mkdir()
    picture().save(root / "deep" / "x.jpg")
    (root / "notes.txt").write_text("no image")
    assert ImageFolder(root).names == ["0", "1", "2", "3", "4", "deep/x"]


def test_grey_images_become_rgb(root):
    picture("L").save(root / "0.png")
    image = next(ImageFolder(root).batches(5)).images[0]
    np.testing.assert_array_equal(image, np.repeat(np.asarray(picture("L"))[..., None], 3, axis=-1))


def test_an_opaque_alpha_channel_is_dropped(root):
    opaque = picture().convert("RGBA")
    opaque.save(root / "0.png")
    np.testing.assert_array_equal(next(ImageFolder(root).batches(5)).images[0], np.asarray(picture()))


def test_transparent_pixels_are_an_error(root):
    picture("RGBA").save(root / "3.png")
    with pytest.raises(UserError, match=r"3\.png: transparent"):
        list(ImageFolder(root).batches(5))


def test_mixed_sizes_are_an_error_unless_resized(root):
    picture(size=(20, 12)).save(root / "3.png")
    with pytest.raises(UserError, match=r"3\.png: 20x12 pixels, but 0\.png has 16x12.*--resize"):
        ImageFolder(root)
    assert next(ImageFolder(root, resize=(8, 10)).batches(5)).images.shape == (5, 8, 10, 3)


def test_a_corrupt_file_is_an_error_that_names_it(root):
    content = (root / "2.png").read_bytes()
    (root / "2.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"2\.png: truncated or unreadable"):
        list(ImageFolder(root).batches(5))


def test_sixteen_bit_images_are_an_error(root):
    Image.fromarray(np.zeros((12, 16), np.uint16)).save(root / "1.png")
    with pytest.raises(UserError, match=r"1\.png: .*8 bits"):
        list(ImageFolder(root).batches(5))


def test_fewer_than_two_images_are_an_error(tmp_path):
    picture().save(tmp_path / "only.png")
    with pytest.raises(UserError, match=r"1 images .* at least 2"):
        ImageFolder(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        ImageFolder(tmp_path / "absent")


def test_pairs_need_the_same_count_names_and_size(root, tmp_path_factory):
    def other(names, size=(16, 12)):
        folder = tmp_path_factory.mktemp("other")
        for name in names:
            picture(size=size).save(folder / f"{name}.jpg")
        return ImageFolder(folder)

    real = ImageFolder(root)
    require_pairs(real, other("01234"), ["lpips"])
    with pytest.raises(UserError, match=r"has 5 images, .* 4"):
        require_pairs(real, other("0123"), ["lpips"])
    with pytest.raises(UserError, match="4 has no partner"):
        require_pairs(real, other("01235"), ["lpips"])
    with pytest.raises(UserError, match=r"16x12, .* 18x12"):
        require_pairs(real, other("01234", (18, 12)), ["lpips"])

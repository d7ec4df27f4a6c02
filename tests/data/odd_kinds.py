"""The kinds of broken and unusual files, each with how it is made and what becomes of it."""

import os

import numpy as np
from PIL import Image

from tests.data.odd_files import (
    GREY,
    HEIGHT,
    INSTANCE,
    LABEL,
    PICTURE,
    WIDTH,
    animation,
    both,
    changed,
    circle_of_folders,
    composed,
    content,
    folder,
    forbidden,
    hidden_file,
    interlaced,
    linked,
    missing,
    oriented,
    packed,
    picture,
    pipe,
    png,
    renamed,
    through_a_link,
    twice,
    unread,
)

PILLOW = Image.fromarray(PICTURE)
LARGE_IDS = INSTANCE.astype(np.int32) + 70000
WIDE = GREY.astype(np.uint16) * 256 + 7  # 16 bits, of which the upper 8 are GREY
TRANSPARENT = np.dstack([PICTURE, np.full_like(GREY, 10)])


def half(data):
    return data[: len(data) // 2]


def flipped(data):
    """One byte of the pixels of a PNG changed, so that its checksum is wrong."""
    place = data.index(b"IDAT") + 8
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]


# kind -> how it is made, what the message says
REFUSED = {
    "truncated PNG": (changed(picture("img", PICTURE), half), "truncated or unreadable image of"),
    "truncated JPEG": (changed(picture("img", PICTURE, ".jpg"), half), "truncated or unreadable image of"),
    "truncated label map": (changed(picture("label", LABEL), half), "truncated or unreadable image of"),
    "PNG with a wrong checksum": (changed(picture("img", PICTURE), flipped), "truncated or unreadable image of"),
    "empty file": (content("img", b""), "0 bytes (an empty file): replace the file"),
    "file of zeros": (content("img", bytes(500)), "begins with zeros, as an interrupted copy does"),
    "text": (content("img", b"no picture"), "10 bytes (text: 'no picture'): replace the file"),
    "page of a web server": (content("img", b"<!DOCTYPE html><html>404", ".jpg"), "(text: '<!DOCTYPE html>"),
    "Git LFS pointer": (content("img", b"version https://git-lfs.github.com/spec/v1\n"), "run `git lfs pull`"),
    "PDF": (content("img", b"%PDF-1.7 ..."), "a PDF): save its pages as PNG"),
    "NumPy array": (content("label", b"\x93NUMPY\1\0..."), "a NumPy array): save it as PNG"),
    "HEIF": (content("img", b"\0\0\0\x18ftypheic....", ".jpg"), "HEIF or a film"),
    "random bytes": (content("img", b"\xfe\x01\x99" * 99), "of no format that Pillow reads"),
    "picture without pixels": (content("img", png(0, 0, 8, 2, b"")), "truncated or unreadable image of"),
    "decompression bomb": (content("img", png(60000, 60000, 8, 0, b"")), "image of 3,600,000,000 pixels, more than"),
    "floating-point TIFF": (picture("img", GREY.astype(np.float32), ".tif"), "floating-point numbers of unknown range"),
    "32-bit TIFF": (picture("img", GREY.astype(np.int32), ".tif"), "32-bit integers of unknown range: save it as"),
    "LAB TIFF": (picture("img", Image.new("LAB", (WIDTH, HEIGHT)), ".tif"), "Pillow mode LAB: save it as 8-bit RGB"),
    "link to nowhere": (linked("img", "/nowhere/a.png"), "symbolic link to /nowhere/a.png, which does not exist"),
    "link to itself": (linked("img", "{self}"), "a symbolic link that does not lead to a file"),
    "named pipe": (pipe, "neither a file nor a folder (a pipe, socket or device)"),
    "folder named like an image": (folder("img"), ".png there is a folder)"),
    "folder named like a label map": (folder("label"), ".png there is a folder)"),
    "file without permission": (forbidden, "no permission to read it: chmod"),
    "image of an ending that is not read": (unread(".heic"), ".heic there ends in none of .jpg"),
    "label map without image": (missing("img", "label"), "label map without image: add"),
    "image without label map": (missing("label", "img"), "image without label map: add"),
    "label map without instance map": (missing("inst", "label"), "or set data.use_instance=False"),
    "two images of one name": (twice, "pairs under the same name as"),
    "RGB label map": (picture("label", PICTURE), "label map is colour-coded (mode RGB)"),
    "RGBA label map": (picture("label", TRANSPARENT), "label map is colour-coded (mode RGBA)"),
    "label map with transparency": (picture("label", np.dstack([LABEL, GREY])), "colour-coded (mode LA)"),
    "palette label map": (picture("label", Image.fromarray(LABEL).convert("P")), "set data.palette_labels=True"),
    "JPEG label map": (picture("label", LABEL, ".jpg"), "saved as JPEG, which changes ids"),
    "JPEG label map named .png": (picture("label", LABEL, format="JPEG"), "saved as JPEG, which changes ids"),
    "floating-point label map": (picture("label", LABEL.astype(np.float32), ".tif"), "label map of floating-point"),
    "animated label map": (animation("label", LABEL, ".png"), "label map with several frames"),
    "label map of two pages": (animation("label", LABEL, ".tif"), "label map with several frames"),
    "label map of another size": (picture("label", LABEL[:, 1:]), "label map of 19x12 for the image"),
    "label map of a turned size": (picture("label", LABEL.T), "label map of 12x20 for the image"),
    "id outside the classes": (picture("label", LABEL + np.uint8(1)), "label id 5 outside the 5 classes"),
    "id of unlabelled pixels": (picture("label", np.full_like(LABEL, 255)), "set data.unknown_label=255"),
    "16-bit id outside": (picture("label", INSTANCE), "label id 1000, 1001"),
    "negative id": (picture("label", -LABEL.astype(np.int32), ".tif"), "label id -4, -3, -2, -1 outside"),
    "RGB instance map": (picture("inst", PICTURE), "instance map is colour-coded (mode RGB)"),
    "JPEG instance map": (picture("inst", LABEL, ".jpg"), "instance map saved as JPEG"),
    "floating-point instance map": (picture("inst", GREY.astype(np.float32), ".tif"), "instance map of floating-point"),
    "instance map of another size": (picture("inst", INSTANCE[1:]), "instance map of 20x11"),
    "truncated file with a name that is no UTF-8": (
        both(renamed(b"{name}\xe9\xff"), lambda root, name: cut(root, os.fsdecode(b"\xe9\xff"))),
        "truncated or unreadable image of",
    ),
    "truncated file with a line end in its name": (
        both(renamed("{name}\nb"), lambda root, name: cut(root, "\nb")),
        "truncated or unreadable image of",
    ),
}


def cut(root, mark):
    """Truncates the image with `mark` in its name."""
    (file,) = [file for file in (root / "train_img").iterdir() if mark in file.name]
    file.write_bytes(half(file.read_bytes()))
    return file


def exactly(image=PICTURE):
    return lambda record: np.testing.assert_array_equal(record["image"], image)


def grey(values=GREY):
    return exactly(np.repeat(values[..., None], 3, -1))


def nearly(image=PICTURE, off=12):
    def check(record):
        assert record["image"].shape == image.shape
        assert np.abs(record["image"].astype(int) - image).mean() < off

    return check


def label(ids):
    return lambda record: np.testing.assert_array_equal(record["label"], ids)


def instance(ids):
    return lambda record: np.testing.assert_array_equal(record["instance"], ids)


def named(ending):
    def check(record):
        assert record["name"].endswith(ending)
        exactly()(record)

    return check


def image_of_one_pixel(root, name):
    for kind, pixels in (("img", PICTURE), ("label", LABEL), ("inst", INSTANCE)):
        file = picture(kind, pixels[5:6, 7:8])(root, name)
    return file


def upright_maps(root, name):
    """A picture that was taken upright, stored lying, and maps that were drawn upright."""
    return oriented(np.rot90(PICTURE), 6)(root, name)


# kind -> how it is made, what is checked of the record
CONVERTED = {
    "grey image": (picture("img", GREY), grey()),
    "grey image with transparency": (picture("img", np.dstack([GREY, GREY])), grey()),
    "image with transparency": (picture("img", TRANSPARENT), exactly()),
    "palette image": (picture("img", PILLOW.quantize(256)), exactly(np.asarray(PILLOW.quantize(256).convert("RGB")))),
    "1-bit image": (picture("img", Image.fromarray(GREY > 99)), grey(np.where(GREY > 99, 255, 0).astype(np.uint8))),
    "CMYK JPEG": (picture("img", PILLOW.convert("CMYK"), ".jpg"), nearly()),
    "CMYK TIFF": (picture("img", PILLOW.convert("CMYK"), ".tif"), nearly()),
    "16-bit grey PNG": (picture("img", WIDE), grey()),
    "16-bit grey TIFF": (picture("img", WIDE, ".tif"), grey()),
    "16-bit RGB PNG": (
        content("img", png(1, 2, 16, 2, b"\0" + b"\x12\xff\x56\x78\x9a\xbc" * 2)),
        exactly(np.array([[[0x12, 0x56, 0x9A]] * 2], np.uint8)),
    ),
    "progressive JPEG": (picture("img", PILLOW, ".jpg", progressive=True), nearly()),
    "interlaced PNG": (content("img", interlaced(PICTURE)), exactly()),
    "BMP": (picture("img", PILLOW, ".bmp"), exactly()),
    "PPM": (picture("img", PILLOW, ".ppm"), exactly()),
    "TIFF": (picture("img", PILLOW, ".tiff", compression="tiff_lzw"), exactly()),
    "WebP": (picture("img", PILLOW, ".webp", lossless=True), exactly()),
    "GIF": (picture("img", GREY, ".gif"), grey()),
    "animated GIF": (animation("img", GREY, ".gif"), grey()),
    "animated PNG": (animation("img", PICTURE, ".png"), exactly()),
    "animated WebP": (animation("img", PICTURE, ".webp", lossless=True), exactly()),
    "TIFF of two pages": (animation("img", PICTURE, ".tif"), exactly()),
    "MPO, as cameras of two lenses write it": (animation("img", PICTURE, ".jpg", format="MPO"), nearly()),
    "JPEG named .png": (picture("img", PILLOW, ".png", format="JPEG"), nearly()),
    "PNG named .jpg": (picture("img", PILLOW, ".jpg", format="PNG"), exactly()),
    "JPEG with rubbish behind it": (changed(picture("img", PILLOW, ".jpg"), lambda data: data + b"rubbish"), nearly()),
    "PNG with rubbish behind it": (changed(picture("img", PILLOW), lambda data: data + b"rubbish"), exactly()),
    "damaged EXIF": (picture("img", PILLOW, ".jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"), nearly()),
    "EXIF that is none": (picture("img", PILLOW, ".jpg", exif=b"Exif\0\0rubbish"), nearly()),
    "impossible EXIF orientation": (oriented(PICTURE, 99), nearly()),
    "EXIF orientation, maps drawn on the stored pixels": (oriented(PICTURE, 6), nearly()),
    "EXIF orientation, maps drawn upright": (upright_maps, nearly()),
    "upper-case ending": (picture("img", PILLOW, ".PNG"), exactly()),
    "spaces in the name": (renamed("{name} a  b"), named(" a  b")),
    "name in other scripts": (renamed("{name}雪 ñ ж"), named("雪 ñ ж")),
    "accents composed and apart": (composed, exactly()),
    "name that is no UTF-8": (renamed(b"{name}\xe9\xff"), named("\\xe9\\xff")),
    "line end in the name": (renamed("{name}\nb"), named("\\nb")),
    "link to a file": (through_a_link, exactly()),
    "folder that leads back to itself": (circle_of_folders, exactly()),
    "hidden file beside it": (hidden_file, exactly()),
    "picture of one pixel": (image_of_one_pixel, exactly(PICTURE[5:6, 7:8])),
    "1-bit label map": (picture("label", Image.fromarray(LABEL > 2)), label(LABEL > 2)),
    "2-bit label map": (content("label", packed(LABEL % 4, 2)), label(LABEL % 4)),
    "4-bit label map": (content("label", packed(LABEL, 4)), label(LABEL)),
    "16-bit label map": (picture("label", LABEL.astype(np.uint16)), label(LABEL)),
    "BMP label map": (picture("label", LABEL, ".bmp"), label(LABEL)),
    "TIFF label map": (picture("label", LABEL, ".tif"), label(LABEL)),
    "PGM label map": (picture("label", LABEL, ".pgm"), label(LABEL)),
    "8-bit instance map": (picture("inst", LABEL), instance(LABEL)),
    "32-bit instance map": (
        picture("inst", INSTANCE.astype(np.int32) + 70000, ".tif"),
        instance(INSTANCE + np.int64(70000)),
    ),
}
# Of another size than the others, their maps are made to it.
SMALL = {"16-bit RGB PNG": (1, 2)}

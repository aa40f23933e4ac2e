import os

import numpy as np
import pytest
from conftest import make_photograph
from PIL import Image

from drp_jax import InputError, read_image, write_image
from drp_jax.images import check_writable, replace_whole

GENERATOR = np.random.default_rng(0)
RGB = GENERATOR.integers(0, 256, (9, 12, 3), np.uint8)
GRAY = GENERATOR.integers(0, 256, (9, 12), np.uint8)
ALPHA = GENERATOR.integers(0, 256, (9, 12), np.uint8)
DEEP = GENERATOR.integers(0, 65536, (9, 12), np.uint16)


def save(tmp_path, pixels, name="in.png", **options):
    path = tmp_path / name
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [
        (GRAY, "L"),
        (RGB, "RGB"),
        (np.dstack([GRAY, ALPHA]), "LA"),
        (np.dstack([RGB, ALPHA]), "RGBA"),
        (DEEP, "I;16"),
    ],
)
def test_a_picture_is_written_as_it_was_read(tmp_path, pixels, mode):
    picture = read_image(save(tmp_path, pixels))
    assert picture.mode == mode
    assert picture.image.shape == (9, 12, 3 if "RGB" in mode else 1)
    assert 0 <= picture.image.min() < picture.image.max() <= 1
    write_image(tmp_path / "out.png", picture)
    with Image.open(tmp_path / "out.png") as written:
        assert written.mode == mode
        np.testing.assert_array_equal(np.asarray(written), pixels)


def test_new_pixels_keep_the_alpha_and_are_clipped_and_rounded(tmp_path):
    picture = read_image(save(tmp_path, np.dstack([RGB, ALPHA])))
    image = np.full_like(picture.image, 0.5)
    image[0, 0] = [-0.2, 1.3, 100.4 / 255]
    write_image(tmp_path / "out.png", picture.with_image(image))
    written = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(written[..., 3], ALPHA)
    np.testing.assert_array_equal(written[0, 0, :3], [0, 255, 100])


def test_palettes_become_rgb_and_bilevel_becomes_gray(tmp_path):
    palette = Image.fromarray(RGB).quantize(200)
    picture = read_image(save(tmp_path, palette))
    assert picture.mode == "RGB"
    expected = np.asarray(palette.convert("RGB")) / 255
    np.testing.assert_allclose(picture.image, expected, atol=1e-6)
    assert read_image(save(tmp_path, Image.fromarray(GRAY).convert("1"))).mode == "L"


def test_a_palette_with_transparency_keeps_it_as_alpha(tmp_path):
    palette = Image.fromarray(RGB).quantize(200)
    picture = read_image(save(tmp_path, palette, transparency=3))
    assert picture.mode == "RGBA"
    np.testing.assert_array_equal(picture.alpha == 0, np.asarray(palette) == 3)


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter
    picture = read_image(save(tmp_path, RGB, exif=exif))
    expected = np.rot90(RGB, -1).astype(np.float32) / 255
    np.testing.assert_allclose(picture.image, expected, atol=1e-6)
    write_image(tmp_path / "out.png", picture)
    with Image.open(tmp_path / "out.png") as written:
        assert 0x0112 not in written.getexif()


def test_the_colour_profile_is_kept(tmp_path):
    picture = read_image(save(tmp_path, RGB, icc_profile=b"a profile"))
    write_image(tmp_path / "out.png", picture)
    with Image.open(tmp_path / "out.png") as written:
        assert written.info["icc_profile"] == b"a profile"


def test_float_images_are_read_and_written_as_float(tmp_path):
    pixels = make_photograph(9, 12, 1)[..., 0]
    picture = read_image(save(tmp_path, pixels, "in.tif"))
    assert picture.mode == "F"
    write_image(tmp_path / "out.tif", picture)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.tif")), pixels)
    with pytest.raises(InputError, match=r"out\.png: cannot write mode F as PNG; accepted:"):
        write_image(tmp_path / "out.png", picture)


def test_a_palette_keeps_its_colour_profile(tmp_path):
    palette = Image.fromarray(RGB).quantize(200)
    assert read_image(save(tmp_path, palette, icc_profile=b"a profile")).icc_profile == b"a profile"
    printed = Image.fromarray(RGB).convert("CMYK")
    picture = read_image(save(tmp_path, printed, "in.tif", icc_profile=b"of inks"))
    assert (picture.mode, picture.icc_profile) == ("RGB", None)


def test_of_a_multi_picture_jpeg_the_first_is_read(tmp_path):
    first = Image.fromarray(RGB)
    path = save(tmp_path, first, "in.mpo", save_all=True, append_images=[first.rotate(180)])
    expected = read_image(save(tmp_path, first, "first.jpg")).image
    np.testing.assert_array_equal(read_image(path).image, expected)


@pytest.mark.parametrize(("name", "mode"), [("o.bmp", "RGBA"), ("o.gif", "RGB"), ("o.pdf", "RGB")])
def test_a_format_that_changes_the_picture_is_refused(tmp_path, name, mode):
    picture = read_image(save(tmp_path, np.dstack([RGB, ALPHA]) if mode == "RGBA" else RGB))
    with pytest.raises(InputError, match=f"cannot hold a 12 x 9 image of mode {mode}; accepted"):
        check_writable(tmp_path / name, picture)


def bad_files(tmp_path):
    whole = save(tmp_path, make_photograph_bytes(64), "whole.png").read_bytes()
    nan = np.full((9, 12), np.nan, np.float32)
    frames = Image.fromarray(RGB)
    return {
        "missing": (tmp_path / "none.png", "no such file"),
        "folder": (tmp_path, "not a file"),
        "empty": (write(tmp_path / "empty.png", b""), "the file is empty"),
        "text": (write(tmp_path / "text.png", b"hello"), "not an image in a known format"),
        "truncated": (
            write(tmp_path / "cut.png", whole[: len(whole) // 2]),
            "cannot be read as an image: ",
        ),
        "no pixels": (
            write(tmp_path / "zero.ppm", b"P6 0 0 255\n"),
            "not an image in a known format",
        ),
        "nan": (save(tmp_path, nan, "nan.tif"), "has values that are not finite; accepted: finite"),
        "range": (
            save(tmp_path, np.float32(GRAY), "range.tif"),
            "values from .* to .*; accepted: 0 to 1",
        ),
        "transparent 16 bit": (
            save(tmp_path, DEEP, "deep.png", transparency=5),
            "16-bit gray with transparency; accepted: without it, or 8-bit",
        ),
        "frames": (
            save(tmp_path, frames, "two.gif", save_all=True, append_images=[frames.rotate(180)]),
            "has 2 frames; accepted: one",
        ),
    }


def make_photograph_bytes(size):
    return (make_photograph(size, size, 3) * 255).astype(np.uint8)


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "case",
    [
        "missing",
        "folder",
        "empty",
        "text",
        "truncated",
        "no pixels",
        "nan",
        "range",
        "transparent 16 bit",
        "frames",
    ],
)
def test_a_bad_file_is_named_with_the_reason(tmp_path, case):
    path, message = bad_files(tmp_path)[case]
    with pytest.raises(InputError, match=message) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_format_is_named(tmp_path):
    picture = read_image(save(tmp_path, RGB))
    with pytest.raises(InputError, match=r"unknown image format '\.xyz'; accepted: \.png"):
        write_image(tmp_path / "out.xyz", picture)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"the folder .*nowhere does not exist"):
        check_writable(tmp_path / "nowhere" / "out.png")
    with pytest.raises(InputError, match="is a folder"):
        check_writable(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    """The operating system's refusal is imitated, because root may write anywhere."""

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(InputError, match=r"out\.png: cannot write there: Permission denied"):
        check_writable(tmp_path / "out.png")


def test_pixels_of_another_shape_are_refused(tmp_path):
    picture = read_image(save(tmp_path, RGB))
    with pytest.raises(InputError, match=r"image has shape \(9, 11, 3\); accepted: \(9, 12, 3\)"):
        picture.with_image(picture.image[:, 1:])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = write(tmp_path / "out.png", b"old")

    def fail():
        with replace_whole(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path):
    previous = os.umask(0o027)
    try:
        write_image(tmp_path / "out.png", read_image(save(tmp_path, RGB)))
    finally:
        os.umask(previous)
    assert (tmp_path / "out.png").stat().st_mode & 0o777 == 0o640
    (tmp_path / "out.png").chmod(0o600)
    write_image(tmp_path / "out.png", read_image(tmp_path / "in.png"))
    assert (tmp_path / "out.png").stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path):
    target = write(tmp_path / "target.png", b"old")
    link = tmp_path / "link.png"
    link.symlink_to(target)
    write_image(link, read_image(save(tmp_path, RGB)))
    assert link.is_symlink()
    assert read_image(target).image.shape == (9, 12, 3)

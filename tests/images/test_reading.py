"""What a file is read as, and which are refused."""

import os
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from conftest import make_photograph
from PIL import Image

from drp_jax import InputError, read_image, write_image
from drp_jax.images import memory

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
    assert picture.image.shape[2] == 3
    expected = np.asarray(palette.convert("RGB")) / 255
    np.testing.assert_allclose(picture.image, expected, atol=1e-6)
    assert read_image(save(tmp_path, Image.fromarray(GRAY).convert("1"))).image.shape[2] == 1


def test_a_palette_with_transparency_keeps_it_as_alpha(tmp_path):
    palette = Image.fromarray(RGB).quantize(200)
    picture = read_image(save(tmp_path, palette, transparency=3))
    np.testing.assert_array_equal(picture.alpha == 0, np.asarray(palette) == 3)


def test_float_images_are_read_and_written_as_float(tmp_path):
    pixels = make_photograph(9, 12, 1)[..., 0]
    picture = read_image(save(tmp_path, pixels, "in.tif"))
    assert picture.depth == "float32"
    write_image(tmp_path / "out.tif", picture)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.tif")), pixels)
    with pytest.raises(
        InputError, match=r"out\.png: a \.png file cannot hold .* float32; accepted: \.tif"
    ):
        write_image(tmp_path / "out.png", picture)


def test_a_palette_keeps_its_colour_profile(tmp_path):
    palette = Image.fromarray(RGB).quantize(200)
    assert (
        read_image(save(tmp_path, palette, icc_profile=b"a profile")).metadata.icc_profile
        == b"a profile"
    )
    printed = Image.fromarray(RGB).convert("CMYK")
    picture = read_image(save(tmp_path, printed, "in.tif", icc_profile=b"of inks"))
    assert (picture.image.shape[2], picture.metadata.icc_profile) == (3, None)


def test_of_a_multi_picture_jpeg_the_first_is_read(tmp_path):
    first = Image.fromarray(RGB)
    path = save(tmp_path, first, "in.mpo", save_all=True, append_images=[first.rotate(180)])
    expected = read_image(save(tmp_path, first, "first.jpg")).image
    np.testing.assert_array_equal(read_image(path).image, expected)


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
        "nan": (save(tmp_path, nan, "nan.tif"), "has NaN or infinity in"),
        "frames": (
            save(tmp_path, frames, "two.gif", save_all=True, append_images=[frames.rotate(180)]),
            "has 2 frames; accepted: one, or a choice",
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
        "frames",
    ],
)
def test_a_bad_file_is_named_with_the_reason(tmp_path, case):
    path, message = bad_files(tmp_path)[case]
    with pytest.raises(InputError, match=message) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def png_of(width, height, bits, colour, rows):
    """A PNG file with right checksums, whatever its rows."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def test_a_png_with_half_of_its_rows_is_refused(tmp_path):
    rows = b"".join(b"\0" + row.tobytes() for row in RGB)
    whole = write(tmp_path / "whole.png", png_of(12, 9, 8, 2, rows))
    np.testing.assert_array_equal(read_image(whole).stored(), RGB)
    half = write(tmp_path / "half.png", png_of(12, 9, 8, 2, rows[: len(rows) // 2]))
    with pytest.raises(InputError, match=r"cannot be read as an image: .*Not enough image data"):
        read_image(half)


def test_a_small_png_that_declares_millions_of_pixels_is_refused(tmp_path):
    path = write(tmp_path / "bomb.png", png_of(13300, 13300, 8, 0, bytes(1000)))
    assert path.stat().st_size < 119
    with pytest.raises(
        InputError, match=r"declares 13300 x 13300 pixels in .* bytes, which cannot"
    ):
        read_image(path)


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_that_ends_early_is_refused(tmp_path, options, mode):
    photograph = Image.fromarray(make_photograph_bytes(64)).convert(mode)
    whole = save(tmp_path, photograph, "whole.jpg", **options)
    assert read_image(whole).image.shape[:2] == (64, 64)
    content = whole.read_bytes()
    for share in (0.5, 0.7, 0.9):
        cut = content[: int(share * len(content))]
        for name, ending in (("cut.jpg", b""), ("ended.jpg", b"\xff\xd9")):
            if options and ending:
                continue  # whose passes are there, and only fine detail is missing
            path = write(tmp_path / name, cut + ending)
            with pytest.raises(InputError, match=r"truncated|pixel data are missing at its end"):
                read_image(path)


def test_a_whole_jpeg_that_ends_in_that_gray_is_read(tmp_path):
    gray = np.full((64, 64), 128, np.uint8)
    gray[:8] = 30
    assert read_image(save(tmp_path, gray, "gray.jpg")).image.shape == (64, 64, 1)


@pytest.mark.parametrize("suffix", ["webp", "bmp", "gif", "tga", "ppm", "jp2", "avif"])
def test_half_a_file_is_refused(tmp_path, suffix):
    path = save(tmp_path, make_photograph_bytes(64), f"in.{suffix}")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match=r"cannot be read as an image: |not an image in a known"):
        read_image(path)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "jpeg"])
def test_a_tiff_without_some_of_its_strips_is_refused(tmp_path, compression):
    pixels = make_photograph_bytes(64)
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", compression=compression, rowsperstrip=8)
    with tifffile.TiffFile(path, mode="r+b") as opened:
        counts = opened.pages[0].tags["StripByteCounts"]
        counts.overwrite([*counts.value[:2], 0, *counts.value[3:]])
    with pytest.raises(InputError, match="pixel data are missing of 64 x 64 pixels; accepted"):
        read_image(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match=r"pixel data are missing|cannot be read as an image"):
        read_image(path)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize("limit", [None, 10**12])
def test_a_tiff_with_a_raised_length_is_refused(tmp_path, compression, limit):
    path = tmp_path / "in.tif"
    pixels = make_photograph_bytes(28)
    tifffile.imwrite(path, pixels, photometric="rgb", compression=compression)
    with tifffile.TiffFile(path, mode="r+b") as opened:
        opened.pages[0].tags["ImageLength"].overwrite(4_000_000)
        opened.pages[0].tags["RowsPerStrip"].overwrite(4_000_000)
    accepted = "pixel data are missing|cannot be read|GB of memory"
    with pytest.raises(InputError, match=accepted):
        read_image(path, memory=limit)


def test_a_picture_larger_than_the_memory_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    def decoded(*_, **__):
        raise AssertionError("decoded")

    big = np.zeros((300, 400, 3), np.uint8)
    paths = [save(tmp_path, big, f"in.{suffix}") for suffix in ("png", "jpg", "webp", "gif")]
    paths.append(tmp_path / "in.tif")
    tifffile.imwrite(paths[-1], big.astype(np.uint16), photometric="rgb")
    paths.append(tmp_path / "in.npy")
    np.save(paths[-1], big)
    monkeypatch.setattr(Image.Image, "load", decoded)
    monkeypatch.setattr(imagecodecs, "png_decode", decoded)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", decoded)
    for path in paths:
        with pytest.raises(
            InputError,
            match=r"400 x 300 pixels take 0.00\d+ GB; accepted: up to 0.001 GB",
        ):
            read_image(path, memory=1_000_000)
    with pytest.raises(InputError, match=r"\d+ bytes; accepted: up to 9 bytes of memory"):
        read_image(paths[0], memory=9)
    with pytest.raises(InputError, match="memory is 0; accepted: whole numbers from 1 to"):
        read_image(paths[0], memory=0)


def test_copies_of_files_count_as_free_memory_of_a_container(tmp_path):
    for name, text in {
        "memory.max": "9000",
        "memory.current": "5000",
        "memory.stat": "active_file 7\ninactive_file 1500\n",
    }.items():
        (tmp_path / name).write_text(text)
    assert list(memory._of_the_container(tmp_path)) == [5500]
    (tmp_path / "memory.max").write_text("max")
    assert not list(memory._of_the_container(tmp_path))


def test_numbers_of_bytes_are_read():
    given = ("1", "20k", "1.5M", "4G", "2t")
    assert list(map(memory.in_bytes, given)) == [1, 20_000, 1_500_000, 4 * 10**9, 2 * 10**12]
    assert memory.resident() > 10**6


def test_by_default_half_of_the_free_memory_is_allowed(monkeypatch):
    monkeypatch.setattr(memory, "_of_the_machine", lambda: [5000])
    monkeypatch.setattr(memory, "_of_the_container", lambda: [2000])
    assert memory.allowed(None) == 1000
    monkeypatch.setattr(memory, "_of_the_container", list)
    assert memory.allowed(None) == 2500
    assert memory.allowed(7) == 7
    monkeypatch.undo()
    assert 10**6 < memory.free_memory() < 2**62


HOUNSFIELD = np.random.default_rng(1).integers(-1000, 2000, (9, 12)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["tif", "npy"])
@pytest.mark.parametrize("kind", [np.float32, np.int16, np.int32])
def test_a_picture_in_another_unit_is_written_in_it(tmp_path, suffix, kind):
    path, result = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    stored = HOUNSFIELD.astype(kind)
    np.save(path, stored) if suffix == "npy" else tifffile.imwrite(path, stored)
    picture = read_image(path)
    low, high = float(stored.min()), float(stored.max())
    assert (picture.value_range, picture.range_is_guessed) == ((low, high), True)
    assert picture.note == (
        f"values from {low:g} to {high:g}, taken as black and white unless --range is given"
    )
    np.testing.assert_allclose(
        picture.image[..., 0], (HOUNSFIELD - low) / (high - low), rtol=1e-5, atol=1e-7
    )
    write_image(result, picture)
    written = np.load(result) if suffix == "npy" else tifffile.imread(result)
    assert written.dtype == kind
    np.testing.assert_allclose(written, stored, atol=1e-3 if kind == np.float32 else 0)
    given = read_image(path, value_range=(-1024, 3071))
    assert (given.value_range, given.note) == ((-1024, 3071), None)
    np.testing.assert_allclose(given.image[..., 0], (HOUNSFIELD + 1024) / 4095, rtol=1e-5)
    write_image(result, given)
    written = np.load(result) if suffix == "npy" else tifffile.imread(result)
    np.testing.assert_allclose(written, stored, atol=1e-3 if kind == np.float32 else 0)


def test_floats_from_0_to_1_are_taken_as_they_are(tmp_path):
    path = tmp_path / "in.npy"
    np.save(path, np.full((9, 12), 0.25))
    picture = read_image(path)
    assert (picture.value_range, picture.note, picture.depth) == ((0, 1), None, "float32")
    np.save(path, np.full((9, 12), 7.0, ">f4"))
    assert read_image(path).value_range == (7, 8)
    np.save(path, np.arange(108).reshape(9, 12) % 2 == 0)
    np.testing.assert_array_equal(np.unique(read_image(path).image), [0, 1])


@pytest.mark.parametrize("value_range", [(1, 0), (0, 0), 3, (0, 1, 2), (0, float("nan")), "ab"])
def test_a_range_that_is_none_is_named(tmp_path, value_range):
    with pytest.raises(InputError, match=r"value_range is .*; accepted: two finite numbers"):
        read_image(save(tmp_path, RGB), value_range=value_range)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((9, 12), complex), "has type complex128; accepted: real numbers"),
        (np.zeros(9), r"has shape \(9,\); accepted: real numbers \[H, W\] or"),
        (np.zeros((9, 12, 65)), r"has shape \(9, 12, 65\); accepted: .*C up to 64"),
        (np.full((9, 12), np.inf), "has NaN or infinity in"),
        (np.array([[1e300, -1e300]]), "values from -inf to inf; accepted: float32 numbers"),
        (np.array([[{}]]), "cannot be read as an image: "),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(tmp_path, array, message):
    np.save(tmp_path / "in.npy", array)
    with pytest.raises(InputError, match=message):
        read_image(tmp_path / "in.npy")


def test_a_tiff_whose_pages_lead_back_is_refused(tmp_path):
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, GRAY)
    content = bytearray(path.read_bytes())
    (first,) = struct.unpack("<I", content[4:8])
    (count,) = struct.unpack("<H", content[first : first + 2])
    end = first + 2 + 12 * count
    content[end : end + 4] = content[4:8]
    with pytest.raises(InputError, match="its pages lead back to one another"):
        read_image(write(path, bytes(content)))

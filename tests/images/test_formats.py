"""Formats x kinds x depths: what is written is what was read, with all that is beside the pixels.

The files are made and looked at by Pillow, tifffile and imagecodecs, not by the library.
"""

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from drp_jax import InputError, read_image, write_image
from drp_jax.images import check_writable

GENERATOR = np.random.default_rng(0)
HEIGHT, WIDTH = 9, 12
DEEP = GENERATOR.integers(0, 65536, (HEIGHT, WIDTH, 4), np.uint16)
EIGHT = (DEEP >> 8).astype(np.uint8)
FLOAT = (DEEP / 65535).astype(np.float32)
CHANNELS = {"gray": [0], "gray+alpha": [0, 3], "rgb": [0, 1, 2], "rgb+alpha": [0, 1, 2, 3]}
PROFILE = b"a colour profile"


def exif_block(orientation=1):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "maker"
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.25
    return exif


def by_pillow(path, pixels):
    Image.fromarray(pixels).save(
        path, exif=exif_block(), dpi=(300, 300), icc_profile=PROFILE, lossless=True
    )


def by_imagecodecs(path, pixels):
    path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))


def by_tifffile(path, pixels):
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        resolution=(300, 300),
        resolutionunit="INCH",
        iccprofile=PROFILE,
        extratags=[(271, 2, 0, "maker", True)],
    )


def pixels_of(path):
    """The numbers in a file, read by others."""
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".tif":
        return tifffile.imread(path)
    if path.suffix == ".png":
        return imagecodecs.png_decode(path.read_bytes())
    return np.asarray(Image.open(path))


TABLE = [
    *((".png", kind, EIGHT, by_pillow) for kind in CHANNELS),
    *((".png", kind, DEEP, by_imagecodecs) for kind in CHANNELS),
    *((".tif", kind, EIGHT, by_pillow) for kind in CHANNELS if kind != "gray+alpha"),
    *((".tif", kind, array, by_tifffile) for kind in CHANNELS for array in (EIGHT, DEEP, FLOAT)),
    (".webp", "rgb", EIGHT, by_pillow),
    (".webp", "rgb+alpha", EIGHT, by_pillow),
    (".bmp", "gray", EIGHT, by_pillow),
    (".bmp", "rgb", EIGHT, by_pillow),
    (".jpg", "gray", EIGHT, by_pillow),
    (".jpg", "rgb", EIGHT, by_pillow),
    *((".npy", kind, array, np.save) for kind in ("gray", "rgb") for array in (EIGHT, DEEP, FLOAT)),
]


@pytest.mark.parametrize(
    ("suffix", "kind", "array", "make"),
    TABLE,
    ids=[
        f"{suffix[1:]} {kind} {array.dtype} {make.__name__}" for suffix, kind, array, make in TABLE
    ],
)
def test_all_of_a_file_is_kept(tmp_path, suffix, kind, array, make):
    pixels = array[..., CHANNELS[kind]]
    stored = pixels[..., 0] if kind == "gray" else pixels
    source, result = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    make(source, stored)
    picture = read_image(source)
    assert picture.depth == array.dtype
    assert picture.image.shape == (HEIGHT, WIDTH, 3 if "rgb" in kind else 1)
    assert (picture.alpha is None) == ("alpha" not in kind)
    check_writable(result, picture)
    write_image(result, picture)
    if suffix in (".jpg", ".webp"):  # which change the pixels
        assert pixels_of(result).shape == pixels_of(source).shape
        if "alpha" in kind:
            np.testing.assert_array_equal(pixels_of(result)[..., 3], stored[..., 3])
    else:
        np.testing.assert_array_equal(pixels_of(result), stored)
        # Float32 divides exactly to half a unit of its last place.
        full = {"uint8": 255, "uint16": 65535, "float32": 1}[picture.depth]
        colours = pixels[..., : picture.image.shape[2]]
        np.testing.assert_allclose(picture.image, colours / full, rtol=1e-6)
    again = read_image(result)
    assert again.metadata.icc_profile == picture.metadata.icc_profile
    assert again.metadata.resolution == picture.metadata.resolution
    if make is by_pillow and suffix != ".bmp":
        assert again.metadata.icc_profile == PROFILE
    if make is by_pillow and suffix != ".webp":
        assert again.metadata.resolution == pytest.approx((300, 300), abs=0.02)
    if make in (by_pillow, by_tifffile) and suffix != ".bmp":
        assert again.metadata.exif_for(HEIGHT, WIDTH)[ExifTags.Base.Make] == "maker"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_reset(tmp_path, suffix, orientation):
    source, result = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    Image.fromarray(EIGHT[..., :3]).save(
        source, exif=exif_block(orientation), dpi=(300, 150), lossless=True
    )
    # Where the corners of the stored image are shown, by the table of the EXIF standard.
    upright = pixels_of(source)
    shown = {
        1: upright,
        2: np.fliplr(upright),
        3: np.rot90(upright, 2),
        4: np.flipud(upright),
        5: np.transpose(upright, (1, 0, 2)),
        6: np.rot90(upright, -1),
        7: np.rot90(np.transpose(upright, (1, 0, 2)), 2),
        8: np.rot90(upright, 1),
    }[orientation]
    picture = read_image(source)
    np.testing.assert_allclose(picture.image, shown / 255, atol=1e-6)
    if suffix != ".webp":
        turned = (150, 300) if orientation > 4 else (300, 150)
        assert picture.metadata.resolution == pytest.approx(turned, abs=0.02)
    write_image(result, picture)
    with Image.open(result) as written:
        assert written.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert written.getexif()[ExifTags.Base.Make] == "maker"
    assert read_image(result).image.shape == picture.image.shape


@pytest.mark.parametrize("array", [EIGHT, DEEP], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_the_nested_directory_of_exif_is_kept(tmp_path, suffix, array):
    Image.fromarray(EIGHT[..., :3]).save(tmp_path / "in.jpg", exif=exif_block())
    metadata = read_image(tmp_path / "in.jpg").metadata
    source = tmp_path / "in.tif"
    by_tifffile(source, array[..., :3])
    picture = read_image(source)
    picture = type(picture)(picture.image, picture.depth, metadata=metadata)
    write_image(tmp_path / f"out{suffix}", picture)
    with Image.open(tmp_path / f"out{suffix}") as written:
        written.load()
        details = written.getexif().get_ifd(ExifTags.IFD.Exif)
    assert float(details[ExifTags.Base.ExposureTime]) == 0.25
    np.testing.assert_array_equal(pixels_of(tmp_path / f"out{suffix}"), array[..., :3])
    again = read_image(tmp_path / f"out{suffix}").metadata.exif_for(HEIGHT, WIDTH)
    assert float(again.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime]) == 0.25


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "zstd"])
def test_compressed_tiff_of_16_bits(tmp_path, compression):
    pixels = EIGHT[..., :3] if compression == "packbits" else DEEP[..., :3]
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", compression=compression)
    picture = read_image(tmp_path / "in.tif")
    np.testing.assert_array_equal(picture.stored(), pixels)


@pytest.mark.parametrize("layout", ["planes", "tiles", "big", "big-endian"])
def test_layouts_of_tiff(tmp_path, layout):
    pixels = np.tile(DEEP[..., :3], (3, 3, 1))
    options = {
        "planes": {"planarconfig": "separate"},
        "tiles": {"tile": (16, 16)},
        "big": {"bigtiff": True},
        "big-endian": {"byteorder": ">"},
    }[layout]
    stored = np.moveaxis(pixels, -1, 0) if layout == "planes" else pixels
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="rgb", **options)
    np.testing.assert_array_equal(read_image(tmp_path / "in.tif").stored(), pixels)


def test_other_kinds_of_tiff(tmp_path):
    gray, path = EIGHT[..., 0], tmp_path / "in.tif"
    tifffile.imwrite(path, gray, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(path).stored()[..., 0], 255 - gray)
    palette = Image.fromarray(EIGHT[..., :3]).quantize(64)
    palette.save(path)
    np.testing.assert_array_equal(read_image(path).stored(), np.asarray(palette.convert("RGB")))
    inks = Image.fromarray(EIGHT[..., :3]).convert("CMYK")
    inks.save(path, compression="tiff_lzw")
    np.testing.assert_array_equal(read_image(path).stored(), np.asarray(inks.convert("RGB")))
    bilevel = Image.fromarray(gray).convert("1")
    for compression in (None, "group4"):
        bilevel.save(path, compression=compression)
        np.testing.assert_array_equal(read_image(path).stored()[..., 0], np.asarray(bilevel) * 255)
    twelve = DEEP[..., 0] >> 4
    tifffile.imwrite(path, twelve, bitspersample=12, compression="none")
    np.testing.assert_allclose(read_image(path).image[..., 0], twelve / 4095, atol=0.5 / 65535)
    premultiplied = np.dstack([EIGHT[..., :3] // 2, np.full_like(gray, 128)])
    tifffile.imwrite(path, premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    expected = np.minimum(premultiplied[..., :3] / 128, 1)
    np.testing.assert_allclose(read_image(path).image, expected, atol=0.5 / 255)


def test_a_transparent_colour_of_16_bits_becomes_alpha(tmp_path):
    gray = DEEP[..., 0]
    Image.fromarray(gray).save(tmp_path / "in.png", transparency=int(gray[2, 3]))
    picture = read_image(tmp_path / "in.png")
    np.testing.assert_array_equal(picture.alpha, np.where(gray == gray[2, 3], 0, 65535))


def test_the_quality_of_a_jpeg_is_that_of_the_input_unless_given(tmp_path):
    smooth = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3)
    noisy = np.clip(smooth + GENERATOR.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8)
    source, result = tmp_path / "in.jpg", tmp_path / "out.jpg"
    sizes = {}
    for quality, subsampling in ((30, 2), (60, 0), (97, 1)):
        Image.fromarray(noisy).save(
            source, quality=quality, subsampling=subsampling, progressive=quality == 60
        )
        picture = read_image(source)
        write_image(result, picture.with_image(1 - picture.image))
        with Image.open(source) as before, Image.open(result) as after:
            assert after.quantization == before.quantization
            assert after.layer == before.layer  # with the subsampling
            assert after.info.get("progressive") == before.info.get("progressive")
        write_image(result, picture, quality=80)
        with Image.open(result) as after:
            after_80 = after.quantization
        Image.fromarray(noisy).save(result, quality=80)
        with Image.open(result) as expected:
            assert after_80 == expected.quantization
        sizes[quality] = source.stat().st_size
    Image.fromarray(noisy).save(tmp_path / "in.png")
    write_image(result, read_image(tmp_path / "in.png"))
    assert result.stat().st_size > sizes[60]
    with pytest.raises(InputError, match="quality is 0; accepted: whole numbers from 1 to 100"):
        write_image(result, picture, quality=0)


def test_the_size_in_exif_is_that_of_the_result(tmp_path):
    exif = exif_block()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] = WIDTH
    Image.fromarray(EIGHT[..., :3]).save(tmp_path / "in.jpg", exif=exif)
    picture = read_image(tmp_path / "in.jpg")
    larger = type(picture)(np.tile(picture.image, (2, 2, 1)), metadata=picture.metadata)
    write_image(tmp_path / "out.jpg", larger)
    with Image.open(tmp_path / "out.jpg") as written:
        details = written.getexif().get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.ExifImageWidth] == 2 * WIDTH


@pytest.mark.parametrize("channels", [2, 5, 64])
def test_many_channels(tmp_path, channels):
    array = GENERATOR.normal(0.5, 0.1, (HEIGHT, WIDTH, channels)).astype(np.float32)
    np.save(tmp_path / "in.npy", array)
    picture = read_image(tmp_path / "in.npy", value_range=(0, 1))
    assert picture.image.shape == array.shape
    for name in ("out.npy", "out.tif"):
        check_writable(tmp_path / name, picture)
        write_image(tmp_path / name, picture)
        written = read_image(tmp_path / name, value_range=(0, 1))
        np.testing.assert_allclose(written.image, np.clip(array, 0, 1), atol=1e-6)
    with pytest.raises(InputError, match=r"a \.png file cannot hold .*; accepted: \.tif, \.npy"):
        check_writable(tmp_path / "out.png", picture)


PAGES = DEEP.transpose(2, 0, 1)[:3]


def stack(tmp_path, **options):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, PAGES, photometric="minisblack", **options)
    return path


def test_a_stack_of_pages_is_no_rgb(tmp_path):
    path = stack(tmp_path)
    message = r"stack\.tif: has 3 pages; accepted: one, or a choice like --pages 0 \(pages=0\)"
    with pytest.raises(InputError, match=message):
        read_image(path)
    with pytest.raises(InputError, match=r"pages is 3, and .* has 3 pages; accepted: from 0 to 2"):
        read_image(path, pages=[0, 3])
    one = read_image(path, pages=1)
    np.testing.assert_array_equal(one.stored()[..., 0], PAGES[1])
    assert not one.are_pages
    both = read_image(path, pages=(2, 0))
    np.testing.assert_array_equal(both.stored(), PAGES[[2, 0]].transpose(1, 2, 0))
    whole = read_image(path, pages=(0, 1, 2))
    for name in ("out.png", "out.jpg"):
        with pytest.raises(InputError, match="cannot hold a 12 x 9 3-page image of uint16"):
            check_writable(tmp_path / name, whole)
    write_image(tmp_path / "out.tif", whole)
    with tifffile.TiffFile(tmp_path / "out.tif") as written:
        assert [page.photometric.name for page in written.pages] == 3 * ["MINISBLACK"]
        np.testing.assert_array_equal(written.asarray(), PAGES)


@pytest.mark.parametrize("pages", [-1, "0", (), 0.5, [0, "1"]])
def test_wrong_pages_are_named(tmp_path, pages):
    with pytest.raises(
        InputError, match=r"pages is .*; accepted: a whole number from 0 up, or sev"
    ):
        read_image(stack(tmp_path), pages=pages)


def test_a_stack_in_one_page_is_refused(tmp_path):
    path = stack(tmp_path, truncate=True)
    with pytest.raises(InputError, match=r"has a stack of shape \(3, 9, 12\) in one page"):
        read_image(path)


def test_pages_that_differ_are_not_joined(tmp_path):
    path = tmp_path / "stack.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(PAGES[0], photometric="minisblack")
        writer.write(PAGES[1, :5], photometric="minisblack")
    with pytest.raises(InputError, match="the pages differ in size or type, or have colours"):
        read_image(path, pages=(0, 1))


def test_frames_can_be_chosen(tmp_path):
    frames = [Image.fromarray(EIGHT[..., :3]), Image.fromarray(EIGHT[..., 1:])]
    for suffix in ("gif", "png", "webp"):
        path = tmp_path / f"in.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
        with pytest.raises(InputError, match="has 2 frames; accepted: one, or a choice"):
            read_image(path)
        assert read_image(path, pages=1).image.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("suffix", ["ppm", "sgi", "jp2", "avif"])
def test_16_bits_that_would_become_8_are_refused(tmp_path, suffix):
    rgb = DEEP[..., :3]
    path = tmp_path / f"in.{suffix}"
    if suffix == "ppm":
        path.write_bytes(b"P6 12 9 65535\n" + rgb.astype(">u2").tobytes())
    elif suffix == "sgi":
        Image.fromarray(EIGHT[..., :3]).save(path, bpc=2)
    elif suffix == "jp2":
        path.write_bytes(imagecodecs.jpeg2k_encode(rgb, level=0))
    else:
        path.write_bytes(imagecodecs.avif_encode(rgb >> 6, bitspersample=10))
    with pytest.raises(InputError, match="with more than 8 bits a colour; accepted:"):
        read_image(path)


def test_the_content_tells_the_format_not_the_name(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(EIGHT[..., :3]).save(buffer, "PNG")
    (tmp_path / "in.jpg").write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(read_image(tmp_path / "in.jpg").stored(), EIGHT[..., :3])

"""XMP, IPTC and the text of PNG files: what each format keeps of what each other one has.

The files are made and looked at by Pillow and tifffile, not by the library.
"""

import dataclasses
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, IptcImagePlugin, PngImagePlugin

from drp_jax import read_image, write_image

GENERATOR = np.random.default_rng(0)
HEIGHT, WIDTH = 9, 12
EIGHT = GENERATOR.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
DEEP = GENERATOR.integers(0, 65536, (HEIGHT, WIDTH, 3), np.uint16)
XMP = (
    b'<?xpacket begin="\xef\xbb\xbf"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
    b'tiff:Orientation="3" exif:PixelXDimension="12"><tiff:Orientation>3</tiff:Orientation>'
    b"<exif:PixelYDimension>9</exif:PixelYDimension><dc:title>caf\xc3\xa9 12</dc:title>"
    b'</rdf:Description></x:xmpmeta><?xpacket end="w"?>'
)
UPRIGHT = XMP.replace(b'Orientation="3"', b'Orientation="1"').replace(b">3<", b">1<")
CAPTION = b"a caption"
IPTC = b"\x1c\x02\x78" + struct.pack(">H", len(CAPTION)) + CAPTION  # record 2, data set 120


def app13(iptc):
    """The segment of a JPEG in which IPTC is, after another resource of Photoshop."""
    other = b"8BIM" + struct.pack(">HHI", 0x0425, 0, 2) + b"no"
    own = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)
    data = b"Photoshop 3.0\0" + other + own
    return b"\xff\xed" + struct.pack(">H", len(data) + 2) + data


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def texts():
    made = PngImagePlugin.PngInfo()
    made.add_text("Title", "a title")
    made.add_text("Comment", 99 * "long ", zip=True)
    made.add_itxt("Author", "J\u00f8rgen", lang="da", zip=True)
    return made


def make(path, pixels=EIGHT, xmp=XMP, iptc=IPTC):
    """Writes a file with all that its format has of XMP, IPTC and text."""
    if path.suffix == ".jpg":
        Image.fromarray(pixels).save(path, xmp=xmp, extra=app13(iptc))
    elif path.suffix == ".png":
        made = texts()
        made.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
        Image.fromarray(pixels).save(path, pnginfo=made)
    elif path.suffix == ".tif":
        tags = [(700, 1, len(xmp), xmp, True), (33723, 7, len(iptc), iptc, True)]
        tifffile.imwrite(path, pixels, photometric="rgb", extratags=tags, metadata=None)
    else:
        Image.fromarray(pixels).save(path, xmp=xmp)


def held(path):
    """XMP, IPTC and text of a file, by Pillow."""
    with Image.open(path) as opened:
        opened.load()
        iptc = IptcImagePlugin.getiptcinfo(opened) if path.suffix != ".png" else None
        return (
            opened.info.get("xmp"),
            (iptc or {}).get((2, 120)),
            {name: str(text) for name, text in getattr(opened, "text", {}).items()},
        )


HOLDS_IPTC = (".jpg", ".tif")
FORMATS = [".jpg", ".png", ".tif", ".webp", ".avif"]


@pytest.mark.parametrize("result", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_what_a_format_keeps_of_another(tmp_path, source, result):
    before, after = tmp_path / f"in{source}", tmp_path / f"out{result}"
    make(before)
    write_image(after, read_image(before))
    xmp, caption, text = held(after)
    assert xmp == UPRIGHT
    assert caption == (CAPTION if source in HOLDS_IPTC and result in HOLDS_IPTC else None)
    if result == ".png":
        assert text.pop("XML:com.adobe.xmp").encode() == UPRIGHT
    if source == result == ".png":
        assert text == {"Title": "a title", "Comment": 99 * "long ", "Author": "J\u00f8rgen"}
    else:
        assert text == {}
    again = read_image(after).metadata
    write_image(after, read_image(after))
    assert read_image(after).metadata == again


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_keep_it_too(tmp_path, suffix):
    make(tmp_path / "in.png")
    make(tmp_path / "in.tif", DEEP)
    picture = read_image(tmp_path / "in.tif")
    text = read_image(tmp_path / "in.png").metadata.text
    metadata = dataclasses.replace(picture.metadata, text=text)
    after = tmp_path / f"out{suffix}"
    write_image(after, dataclasses.replace(picture, metadata=metadata))
    xmp, caption, text = held(after)
    assert xmp == UPRIGHT
    assert caption == (CAPTION if suffix == ".tif" else None)
    assert set(text) >= ({"Title", "Comment", "Author"} if suffix == ".png" else set())
    np.testing.assert_array_equal(read_image(after).stored(), DEEP)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_the_orientation_in_xmp_is_applied_where_exif_has_none(tmp_path, suffix):
    path = tmp_path / f"in{suffix}"
    make(path)
    with Image.open(path) as opened:
        stored = np.asarray(opened)
    np.testing.assert_array_equal(read_image(path).stored(), np.rot90(stored, 2))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 1
    with Image.open(path) as opened:
        made = PngImagePlugin.PngInfo()
        made.add_itxt("XML:com.adobe.xmp", XMP.decode())
        opened.save(path, exif=exif, pnginfo=made)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(read_image(path).stored(), np.asarray(opened))


def test_the_size_in_xmp_is_that_of_the_result(tmp_path):
    make(tmp_path / "in.jpg")
    picture = read_image(tmp_path / "in.jpg")
    larger = dataclasses.replace(picture, image=np.tile(picture.image, (2, 3, 1)))
    write_image(tmp_path / "out.jpg", larger)
    xmp, _, _ = held(tmp_path / "out.jpg")
    expected = UPRIGHT.replace(b'Dimension="12"', b'Dimension="36"').replace(b">9<", b">18<")
    assert xmp == expected


def test_numbers_of_other_kinds_in_a_tiff_are_the_same_bytes(tmp_path):
    iptc = IPTC + bytes(-len(IPTC) % 4)
    numbers = np.frombuffer(iptc, "<u4").tolist()  # as some programs write it
    tags = [(700, 7, len(XMP), XMP, True), (33723, 4, len(numbers), tuple(numbers), True)]
    tifffile.imwrite(tmp_path / "in.tif", EIGHT, photometric="rgb", extratags=tags, byteorder="<")
    metadata = read_image(tmp_path / "in.tif").metadata
    assert (metadata.xmp, metadata.iptc) == (XMP, iptc)


def test_what_is_too_long_for_a_jpeg_is_left_out_there(tmp_path):
    long = b"<x>" + 70_000 * b"a" + b"</x>"
    make(tmp_path / "in.tif", xmp=long, iptc=70_000 * b"a")
    picture = read_image(tmp_path / "in.tif")
    assert len(picture.metadata.xmp) == len(long)
    for name, expected in (("out.jpg", None), ("out.png", long)):
        write_image(tmp_path / name, picture)
        assert held(tmp_path / name)[0] == expected
    assert read_image(tmp_path / "out.jpg").metadata.iptc is None


@pytest.mark.parametrize(
    "bad",
    [
        chunk(b"zTXt", b"key\0\0no deflate"),
        chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2**21))),  # more than a megabyte
        chunk(b"zTXt", b"key\0\0" + zlib.compress(b"text")[:-3]),
        chunk(b"iTXt", b"key\0\1\0en\0key\0no deflate"),
        chunk(b"tEXt", b"no keyword"),
        chunk(b"tEXt", 80 * b"k" + b"\0text"),
        chunk(b"tEXt", b"key\0" + bytes(2**20 + 1)),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"exif")),
    ],
)
def test_text_that_is_damaged_too_long_or_a_copy_is_left_out(tmp_path, bad):
    make(tmp_path / "in.png")
    content = (tmp_path / "in.png").read_bytes()
    end = content.index(b"IEND") - 4  # where Pillow does not look when it opens the file
    (tmp_path / "in.png").write_bytes(content[:end] + bad + content[end:])
    picture = read_image(tmp_path / "in.png")
    write_image(tmp_path / "out.png", picture)
    assert set(held(tmp_path / "out.png")[2]) - {"XML:com.adobe.xmp"} == {
        "Title",
        "Comment",
        "Author",
    }

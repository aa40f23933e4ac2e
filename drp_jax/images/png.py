"""PNG, decoded by libpng, which counts the rows, and written where Pillow cannot: 16-bit colours.

The chunks are those of the PNG specification, third edition.
"""

import dataclasses
import io
import pathlib
import struct
import zlib
from collections.abc import Iterator

import imagecodecs
import numpy as np
from PIL import Image

from drp_jax.errors import require
from drp_jax.images.memory import require_room
from drp_jax.images.metadata import (
    ORIENTATION,
    Metadata,
    as_block,
    of_pillow,
    orientation,
    orientation_in,
    oriented,
)
from drp_jax.images.picture import Decoded

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers a pixel, by the colour type."""
_MOST_DEFLATED = 1032
"""How many bytes one byte of a deflate stream can stand for at most."""
_INCHES = 0.0254
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_XMP = b"XML:com.adobe.xmp"
_COPIES = tuple(b"Raw profile type " + name for name in (b"exif", b"APP1", b"xmp", b"icc", b"icm"))
"""Keywords of text that says again, for the pixels as they were, what is kept otherwise."""
_MOST_TEXT = 2**20
"""Bytes of all that is kept, as Pillow reads no more of one."""


def is_animated(content: bytes) -> bool:
    """Whether a file has frames beside its picture."""
    return any(name == b"acTL" for name, _ in _chunks(content))


def decode(path: pathlib.Path, content: bytes, memory: int) -> Decoded:
    """The picture in a PNG file; palettes become RGB, and a transparent colour an alpha channel.

    Raises:
      InputError: if it is larger than `memory` bytes allow or has fewer data than pixels.
      Exception: of Pillow or libpng, if it is damaged.
    """
    with Image.open(io.BytesIO(content)) as opened:
        exif = Image.Exif()
        exif.load(next((data for name, data in _chunks(content) if name == b"eXIf"), b""))
        xmp, text = _texts(content)
        if ORIENTATION not in exif:
            exif[ORIENTATION] = orientation_in(xmp)
        turn = orientation(exif)
        metadata = dataclasses.replace(of_pillow(opened, exif), xmp=xmp, text=text)
    width, height, bits, colour = struct.unpack(">IIBB", content[16:26])
    bits_in_all = height * width * _SAMPLES.get(colour, 1) * bits
    require(
        bits_in_all <= 8 * _MOST_DEFLATED * len(content),
        f"{path}: declares {width} x {height} pixels in {len(content)} bytes, which cannot hold "
        "them; accepted: a file with all of its pixels",
    )
    samples = 4 if colour == 3 else _SAMPLES.get(colour, 1)
    require_room(path, height, width, samples, 1 + (bits == 16), memory)
    pixels = imagecodecs.png_decode(content)
    pixels = pixels.reshape(height, width, -1)
    pixels = oriented(pixels, turn)
    alpha = None
    if pixels.shape[2] in (2, 4):
        pixels, alpha = pixels[..., :-1], pixels[..., -1]
    return Decoded(pixels, alpha, metadata=metadata)


def encode(pixels: np.ndarray, metadata: Metadata) -> bytes:
    """A PNG file of uint8 or uint16 pixels `[H, W, C]`, C from 1 to 4."""
    height, width, _ = pixels.shape
    encoded = imagecodecs.png_encode(np.ascontiguousarray(pixels))
    after_header = len(SIGNATURE) + 25
    chunks = []
    if metadata.icc_profile is not None:
        compressed = zlib.compress(metadata.icc_profile)
        chunks.append(_chunk(b"iCCP", b"ICC Profile\0\0" + compressed))
    if metadata.resolution is not None:
        dots = [round(one / _INCHES) for one in metadata.resolution]  # a metre
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", *dots, 1)))
    exif = metadata.exif_for(height, width)
    if exif is not None:
        chunks.append(_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    chunks += [_chunk(name, data) for name, data in texts_for(metadata, height, width)]
    return bytes(encoded[:after_header]) + b"".join(chunks) + encoded[after_header:]


def texts_for(metadata: Metadata, height: int, width: int) -> list[tuple[bytes, bytes]]:
    """Name and data of the chunks of text for an image of this size, with its XMP."""
    xmp = metadata.xmp_for(height, width)
    own = [] if xmp is None else [(b"iTXt", _XMP + 5 * b"\0" + xmp)]
    return [*own, *metadata.text]


def _texts(content: bytes) -> tuple[bytes | None, tuple[tuple[bytes, bytes], ...]]:
    """The XMP of a file, and its other chunks of text; not those that are damaged or too long."""
    xmp, kept, room = None, [], _MOST_TEXT
    for name, data in _chunks(content):
        text = _unpacked(name, data, room) if name in _TEXTS else None
        keyword = data.partition(b"\0")[0]
        if text is None or keyword in _COPIES:
            continue
        room -= len(text)
        if keyword == _XMP:
            xmp = as_block(text)
        else:
            kept.append((name, data))
    return xmp, tuple(kept)


def _unpacked(name: bytes, data: bytes, most: int) -> bytes | None:
    """The text of a chunk, or None if it is damaged or longer than `most` bytes."""
    keyword, zero, text = data.partition(b"\0")
    is_packed = name == b"zTXt"
    if is_packed:
        text = text[1:]  # after the method, which is deflate
    elif name == b"iTXt":
        is_packed = text[:1] == b"\1"
        _, *after_language = text[2:].split(b"\0", 2)
        text = after_language[1] if len(after_language) == 2 else b""
    if not (zero and 1 <= len(keyword) <= 79):
        return None
    if is_packed:
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(text, most + 1)
        except zlib.error:
            return None
        if not unpacker.eof:
            return None
    return text if len(text) <= most else None


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each chunk, as far as the file goes."""
    place = len(SIGNATURE)
    while place + 12 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        yield content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        place += 12 + length


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

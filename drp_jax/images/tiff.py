"""TIFF by tifffile: any depth, any number of channels, and stacks of pages."""

import contextlib
import dataclasses
import io
import math
import os
import pathlib
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from drp_jax.errors import InputError, require
from drp_jax.images import by_pillow
from drp_jax.images.memory import require_room
from drp_jax.images.metadata import (
    ORIENTATION,
    Metadata,
    as_block,
    block,
    orientation,
    oriented,
    turned_resolution,
)
from drp_jax.images.picture import Decoded, Picture

BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_COLOURS = {"MINISWHITE": 1, "MINISBLACK": 1, "RGB": 3, "PALETTE": 1, "YCBCR": 3}
"""How many samples of a pixel are its colour."""
_INCHES = {2: 1.0, 3: 2.54}
"""Dots an inch for one dot of a file's unit of resolution."""
_PREMULTIPLIED = 1
_FAX = (2, 3, 4)
"""The compressions of bilevel pages that libtiff decodes."""
_XMP, _IPTC = 700, 33723
"""The tags of blocks that are kept as they are."""
_SUB_DIRECTORIES = (int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo))


def decode(path: pathlib.Path, pages: Sequence[int] | None, memory: int) -> Decoded:
    """The picture in a TIFF file, or the pages that are chosen as its channels.

    Raises:
      InputError: if there are several pages and none is chosen, it is larger than `memory` bytes
        allow, or pixel data are missing.
      Exception: of tifffile or Pillow, if it is damaged.
    """
    with tifffile.TiffFile(path) as opened:
        every = _pages(path, opened)
        require(len(every) > 0, f"{path}: has no picture; accepted: a TIFF file with one")
        _require_all_pages(path, opened, every)
        by_pillow.require_pages(path, len(every), pages, "pages")
        chosen = [every[number] for number in pages or (0,)]
        return by_pillow.joined(path, [_page(path, page, memory // len(chosen)) for page in chosen])


def encode(picture: Picture) -> bytes:
    """A TIFF file: gray, RGB, other channels side by side, or a page each."""
    pixels, alpha, metadata = picture.stored(), picture.alpha, picture.metadata
    height, width, channels = pixels.shape
    if alpha is not None:
        pixels = np.concatenate([pixels, alpha[..., None]], axis=-1)
    is_stack = picture.are_pages and channels > 1
    exif = metadata.exif_for(height, width)
    simple, nested = _tags(exif)
    for tag, value in ((_XMP, metadata.xmp_for(height, width)), (_IPTC, metadata.iptc)):
        if value is not None:
            simple.append((tag, 7 if tag == _IPTC else 1, len(value), value, True))
    options: dict[str, Any] = {}
    if metadata.resolution is not None:
        options = {"resolution": metadata.resolution, "resolutionunit": "INCH"}
    if alpha is not None:
        options["extrasamples"] = ["UNASSALPHA"]
    if is_stack:
        pixels = np.moveaxis(pixels, -1, 0)
    elif pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    else:
        options["planarconfig"] = "CONTIG"

    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        pixels,
        byteorder="<",
        photometric="RGB" if channels == 3 and not is_stack else "MINISBLACK",
        metadata=None,
        software=False,
        iccprofile=metadata.icc_profile,
        extratags=simple,
        **options,
    )
    content = buffer.getvalue()
    is_classic = content.startswith(BEGINNINGS[0])  # not of more than 4 GB
    return _with_directories(content, nested) if nested and is_classic else content


def _page(path: pathlib.Path, page: Any, memory: int) -> Decoded:
    name = getattr(page.photometric, "name", str(page.photometric))
    if page.dtype is None or page.dtype.kind not in "buif":
        raise InputError(
            f"{path}: holds {page.bitspersample} bits of kind {page.sampleformat}; accepted: real "
            "numbers of 1 to 32 bits"
        )
    require(page.imagedepth == 1, f"{path}: is a volume; accepted: pages")
    require_room(
        path,
        page.imagelength,
        page.imagewidth,
        3 if name == "PALETTE" else page.samplesperpixel,
        page.dtype.itemsize,
        memory,
    )
    _require_data(path, page)
    metadata, turn = _metadata(path, page)
    if name not in _COLOURS or (name == "YCBCR" and int(page.compression) not in (6, 7)):
        with _without_messages():
            decoded = by_pillow.decode(path, path.read_bytes(), (page.index,), memory)
        metadata = dataclasses.replace(metadata, icc_profile=decoded.metadata.icc_profile)
        return dataclasses.replace(decoded, metadata=metadata)
    # [separate samples, 1, H, W, samples side by side]
    with _without_messages() if int(page.compression) in _FAX else contextlib.nullcontext():
        stored = page.asarray(squeeze=False)[:, 0]
    pixels = np.moveaxis(stored, 0, -2).reshape(page.imagelength, page.imagewidth, -1)
    pixels = _full_scale(path, page, name, pixels)
    pixels, alpha = _without_alpha(page, _COLOURS[name], pixels)
    if name == "PALETTE":
        pixels = (page.colormap >> 8).astype(np.uint8).T[pixels[..., 0]]
        alpha = None
    return Decoded(
        oriented(pixels, turn), None if alpha is None else oriented(alpha, turn), metadata=metadata
    )


def _pages(path: pathlib.Path, opened: tifffile.TiffFile) -> list[Any]:
    """All pages but reduced copies of others."""
    pages, places = [], set()
    one: Any
    for one in opened.pages:
        require(
            one.offset not in places,
            f"{path}: its pages lead back to one another; accepted: a TIFF file with an end",
        )
        places.add(one.offset)
        if not one.is_reduced:
            pages.append(one)
    return pages


def _require_all_pages(path: pathlib.Path, opened: Any, every: Sequence[Any]) -> None:
    """Raises InputError if a page stands for several, as some programs write stacks."""
    if len(every) > 1 or not (opened.is_imagej or opened.is_shaped):
        return
    held, said = int(np.prod(every[0].shape)), int(np.prod(opened.series[0].shape))
    require(
        said <= held,
        f"{path}: has a stack of shape {opened.series[0].shape} in one page; accepted: a page for "
        "each image",
    )


def _require_data(path: pathlib.Path, page: Any) -> None:
    """Raises InputError unless every strip or tile of a page is within the file."""
    size = path.stat().st_size
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    is_whole = len(segments) >= math.prod(page.chunked) and all(
        start > 0 and length > 0 and start + length <= size for start, length in segments
    )
    if int(page.compression) == 1:
        bits = page.imagelength * page.imagewidth * page.samplesperpixel
        bits *= np.max(page.bitspersample)
        is_whole = is_whole and sum(length for _, length in segments) * 8 >= bits
    require(
        is_whole,
        f"{path}: pixel data are missing of {page.imagewidth} x {page.imagelength} pixels; "
        "accepted: a file with all of them",
    )


def _full_scale(path: pathlib.Path, page: Any, name: str, pixels: np.ndarray) -> np.ndarray:
    """Unsigned numbers of 1 to 31 bits brought to all of their type, black being 0."""
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype.kind == "u" and name != "PALETTE":
        most, held = np.iinfo(pixels.dtype).max, 2 ** int(np.max(page.bitspersample)) - 1
        if held < most:
            scaled = np.minimum(pixels, held).astype(np.float64) * (most / held)
            pixels = np.rint(scaled).astype(pixels.dtype)
    if name == "MINISWHITE":
        require(
            pixels.dtype.kind == "u",
            f"{path}: has type {pixels.dtype} and 0 for white; accepted: 0 for black",
        )
        pixels = np.iinfo(pixels.dtype).max - pixels
    return pixels


def _without_alpha(
    page: Any, colours: int, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """The colours or channels, and the alpha channel if a page has one."""
    extra = [int(kind) for kind in page.extrasamples]
    # What is beside RGB is kept beside it; beside gray it may be one channel of many.
    is_alpha = pixels.shape[2] == colours + 1 and (colours == 3 or extra[:1] in ([1], [2]))
    if not is_alpha:
        return pixels, None
    pixels, alpha = pixels[..., :-1], pixels[..., -1]
    if extra[:1] == [_PREMULTIPLIED] and pixels.dtype.kind == "u":
        most = np.iinfo(pixels.dtype).max
        straight = pixels * (most / np.maximum(alpha, 1).astype(np.float64))[..., None]
        pixels = np.rint(np.minimum(straight, most)).astype(pixels.dtype)
    return pixels, alpha


def _metadata(path: pathlib.Path, page: Any) -> tuple[Metadata, int]:
    """What a page says about itself, and its orientation."""
    exif, kept = Image.Exif(), None
    exif.endian = page.parent.byteorder
    with contextlib.suppress(Exception), path.open("rb") as opened:
        # Pillow raises many kinds on what is damaged; that is not kept.
        exif.load_from_fp(opened, page.offset)
        if page.is_shaped or page.is_imagej or page.is_ome:
            exif.pop(ExifTags.Base.ImageDescription, None)  # of pages, which may be others here
        kept = block(exif, of_tiff=True)
    exif[ORIENTATION] = page.tags.valueof(ORIENTATION)
    turn = orientation(exif)
    icc_profile = as_block(page.tags.valueof(34675))
    resolution = turned_resolution(_resolution(page), turn)
    metadata = Metadata(
        icc_profile=icc_profile,
        exif=kept,
        resolution=resolution,
        xmp=_block(page, _XMP),
        iptc=_block(page, _IPTC),
    )
    return metadata, turn


def _block(page: Any, tag: int) -> bytes | None:
    """The bytes of a tag, whose numbers are of more than one kind in the files that there are."""
    value = page.tags.valueof(tag)
    with contextlib.suppress(TypeError, ValueError):
        return as_block(bytes(value))
    return None


def _resolution(page: Any) -> tuple[float, float] | None:
    scale = _INCHES.get(page.tags.valueof(296, 2))
    try:
        pairs = [page.tags.valueof(tag) for tag in (282, 283)]
        return None if scale is None else tuple(scale * up / down for up, down in pairs)
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _tags(exif: Image.Exif | None) -> tuple[list[tuple], dict[int, dict]]:
    """EXIF as a TIFF file has it: tags with text, and the directories nested in it."""
    if exif is None:
        return [], {}
    simple = [
        (tag, 2, 0, value, True)
        for tag, value in exif.items()
        if isinstance(value, str) and value.isascii() and tag not in _SUB_DIRECTORIES
    ]
    nested = {tag: dict(exif.get_ifd(tag)) for tag in _SUB_DIRECTORIES}
    return simple, {tag: values for tag, values in nested.items() if values}


def _with_directories(content: bytes, nested: dict[int, dict]) -> bytes:
    """A little-endian file with directories nested in its first one, which tifffile cannot write.

    They are added at the end, and after them the first directory again, with their places.
    """
    (first,) = struct.unpack("<I", content[4:8])
    (count,) = struct.unpack("<H", content[first : first + 2])
    end = first + 2 + 12 * count
    entries = [content[place : place + 12] for place in range(first + 2, end, 12)]
    made = bytearray(content)

    def begin() -> int:
        made.extend(bytes(len(made) % 2))
        return len(made)

    for tag, values in nested.items():
        place = begin()
        directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0", group=tag)
        for name, value in values.items():
            if not isinstance(value, dict):
                directory[name] = value
        made += directory.tobytes(place)
        entries.append(struct.pack("<HHII", tag, 4, 1, place))
    made[4:8] = struct.pack("<I", begin())
    entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
    made += struct.pack("<H", len(entries)) + b"".join(entries) + content[end : end + 4]
    return bytes(made)


@contextlib.contextmanager
def _without_messages() -> Iterator[None]:
    """Keeps from standard error what libtiff writes there itself; its errors are raised anyway."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
